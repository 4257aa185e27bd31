"""Trainings in the same steps against one by one, in turns: ratios of time, and equal accuracies.

    python -m experiments.benchmarks.grouped_trainings --networks 10 --rounds 5
    python -m experiments.benchmarks.grouped_trainings --paired 30
    python -m experiments.benchmarks.grouped_trainings --device cuda --budget-s 540 --networks 40

Each round trains one epoch of a group and one epoch of as many trainings alone, in turn, and gives
the ratio of their times; a network's figure is the median of its rounds. `--paired` trains whole
proxies of networks both ways with the same seeds and compares the last top-1.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median, stdev

import numpy as np

from experiments.benchmarks.command_line import experiment_on, parser_for
from gensynth.campaign.context import Context, make_context
from gensynth.campaign.experiment import embedded_experiment
from gensynth.evaluation.constraint import broken
from gensynth.evaluation.evaluator import Description
from gensynth.space import Draw, Recording
from gensynth.training.attempt import attempt
from gensynth.training.group.program import NotGrouped
from gensynth.training.group.training import GroupTraining
from gensynth.training.grouped_attempt import attempt_together
from gensynth.training.job import Job
from gensynth.training.loop import Training, data_of
from gensynth.training.torch_device import keep_freed_memory, set_threads


def main() -> None:
    """Print the ratios, or the differences of paired trainings."""
    options = _options()
    set_threads(1)
    keep_freed_memory()
    if options.experiment:
        experiment = experiment_on(options.experiment, options.data)
    else:
        experiment = embedded_experiment("digits")
    resources = replace(experiment.resources, device=options.device)
    context = make_context(replace(experiment, resources=resources))
    with tempfile.TemporaryDirectory(prefix="gensynth-grouped-") as folder:
        jobs = _jobs(context, Path(folder), options.seed)
        if options.paired:
            print(json.dumps(paired(jobs, options.paired)))
        else:
            _print_ratios(jobs, options)


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("--experiment", type=Path, help="default: digits")
    parser.add_argument("--data", type=Path, help="its images")
    parser.add_argument("--networks", type=int, default=10)
    parser.add_argument("--members", type=int, nargs="+", default=[3, 8])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--paired", type=int, default=0, help="trainings, three of each network")
    parser.add_argument("--budget-s", type=float, default=1e9, help="stop after these seconds")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _jobs(context: Context, folder: Path, seed: int) -> Iterator[tuple[Description, Job]]:
    """Draw networks that keep the rules known before training, each with its proxy training."""
    rng = np.random.default_rng(seed)
    number = 0
    while True:
        recording = Recording(Draw(rng))
        context.space.sample(recording)
        described = context.evaluator.described(recording.decisions)
        if not broken(context.evaluator.judge_untrained(described.candidate)):
            yield described, context.job(number, "search", described.source, folder / str(number))
            number += 100


def _print_ratios(jobs: Iterator[tuple[Description, Job]], options: argparse.Namespace) -> None:
    began = time.perf_counter()
    found: dict[int, list[tuple[float, float, float]]] = {m: [] for m in options.members}
    print("| network | MACs | members | one by one (s) | together (s) | ratio | processor time |")
    print("|---|---|---|---|---|---|---|")
    for number, (described, job) in zip(range(options.networks), jobs, strict=False):
        for members in options.members:
            if time.perf_counter() - began > options.budget_s:
                break
            try:
                rounds = timed(job, members, options.rounds)
            except NotGrouped as why:
                print(f"| {number} | {why} |")
                continue
            alone, together, ratio, spent = (median(column) for column in zip(*rounds, strict=True))
            candidates = 60 * members / job.recipe.epochs
            found[members].append((ratio, candidates / alone, candidates / together))
            macs = described.candidate.profile.macs
            columns = f"{macs:,} | {members} | {alone:.3f} | {together:.3f} | {ratio:.2f}"
            print(f"| {number} | {columns} | {spent:.2f} |", flush=True)
    for members, figures in found.items():
        if figures:
            ratios, alone, together = zip(*figures, strict=True)
            spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
            print(f"{members} members: median {median(ratios):.2f} ({spread})")
            rates = f"{median(alone):.1f} one by one, {median(together):.1f} together"
            print(f"{members} members: candidates a minute: {rates}")


def timed(job: Job, members: int, rounds: int) -> list[tuple[float, float, float, float]]:
    """Return for each round the seconds alone and together, their ratio, and that of cores.

    A round alternates: alone, together, together, alone. The first round only warms up.

    Raises:
        NotGrouped: the network cannot be grouped.
    """
    singles, grouped = _trainings(job, members), GroupTraining(_trainings(job, members))
    found = []
    for epoch in range(1, rounds + 2):
        turns = [_alone(singles, epoch), _together(grouped, epoch)]
        alone, together = (_measured(turn) for turn in turns)
        again, last = (_measured(turn) for turn in reversed(turns))
        wall = alone[0] + last[0], together[0] + again[0]
        cores = alone[1] + last[1], together[1] + again[1]
        found.append((wall[0] / 2, wall[1] / 2, wall[0] / wall[1], cores[0] / cores[1]))
    return found[1:]


def _alone(singles: list[Training], epoch: int) -> Callable[[], object]:
    return lambda: [training.epoch(epoch) for training in singles]


def _together(grouped: GroupTraining, epoch: int) -> Callable[[], object]:
    return lambda: grouped.epoch(epoch)


def _measured(turn: Callable[[], object]) -> tuple[float, float]:
    """Return wall-clock and processor seconds; a measurement at its end waits for the device."""
    wall, cores = time.perf_counter(), time.process_time()
    turn()
    return time.perf_counter() - wall, time.process_time() - cores


def _trainings(job: Job, members: int) -> list[Training]:
    data = data_of(job)
    first = Training(job, data)
    seeds = range(job.training_seed + 1, job.training_seed + members)
    return [first, *(Training(replace(job, training_seed=seed), data, first) for seed in seeds)]


def paired(jobs: Iterator[tuple[Description, Job]], count: int) -> dict[str, float]:
    """Train networks with three seeds each, together and alone; return the mean difference."""
    differences: list[float] = []
    while len(differences) < count:
        _, job = next(jobs)
        three = [
            replace(job, number=job.number + k, training_seed=job.training_seed + k,
                    folder=f"{job.folder}-{k}", checkpoint_s=None)
            for k in range(3)
        ]  # fmt: skip
        together = attempt_together(three, lambda job, measurement: True)
        alone = [attempt(each, lambda measurement: True) for each in three]
        differences += [
            ours.curve[-1].top1 - theirs.curve[-1].top1
            for ours, theirs in zip(together, alone, strict=True)
            if ours.ending == theirs.ending == "completed"
        ]
    return {
        "trainings": len(differences),
        "mean difference (points)": round(fmean(differences), 3),
        "standard error": round(stdev(differences) / len(differences) ** 0.5, 3),
        "largest": round(max(map(abs, differences)), 3),
    }


if __name__ == "__main__":
    main()
