r"""Simulated hours until a good network: generative synthesis against TPE with halving.

    python -m experiments.benchmarks.time_to_target experiments/fashion_mnist.toml \
        --data FASHION_MNIST_FOLDER --table experiments/results/attendnext_fashion_mnist.parquet \
        --runs 8 --hours 2 --to experiments/results/time_to_target.json

Runs searches as in `simulated_space.py`, with whole curves. A training has the shape of the
recorded curve nearest in top-1 and cost, shifted to the predicted end, and takes the seconds that a
predictor of the recorded ones returns; it may be stopped after any epoch. The clock adds the
seconds of training and the processor time of proposing. Halving by rank alone is asynchronous
successive halving (arXiv 1810.05934); `hope` is the rule of our campaigns. A run arrives when it
has trained a network that keeps every constraint and whose value without noise is within `--within`
dB of the best of all runs. `NAME@HOURS` sets another time limit for one variant, so that a late one
can be awaited without prolonging the others.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from itertools import count, product
from math import inf
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor

from experiments.benchmarks.command_line import parser_for
from experiments.benchmarks.early_stopping import ByRank
from experiments.benchmarks.recorded_predictor import COSTS, Floats, Predictor
from experiments.benchmarks.simulated_space import (
    Step,
    Task,
    Trainings,
    generator_of,
    opened,
    steps,
)
from experiments.benchmarks.tables import heading, markdown
from gensynth.campaign.early_stopping import Halving, Never, SearchCurves
from gensynth.campaign.experiment import Finals
from gensynth.campaign.finals import admission
from gensynth.evaluation.evaluator import Description, Evaluator
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.protocol import Generator
from gensynth.graph.profile import Profile

VARIANTS = {
    "gensynth": ("gensynth", "hope"),
    "gensynth, no stopping": ("gensynth", "none"),
    "gensynth without a prototype": ("no-prototype", "hope"),
    "tpe, halving": ("tpe", "rank"),
    "tpe, the campaign's rule": ("tpe", "hope"),
    "random, halving": ("random", "rank"),
}
HEADS = "search", "minutes to the target", "reached", "ratio", "trainings", "proposing"
PATIENCE = 200
"""Proposals in a row without a training, after which a search starts afresh."""
RESTARTS = 1000
"""Distance between the seeds of successive starts in one run."""


@dataclass(frozen=True)
class Found:
    """A feasible network: the time at which it was found and its value without noise (dB)."""

    seconds: float
    value: float


@dataclass(frozen=True)
class Run:
    """One search by the simulated clock."""

    variant: str
    number: int
    seconds: float
    """Simulated seconds at its end."""
    trainings: int
    epochs: int
    proposing: float
    """Seconds of these that went into proposals."""
    found: tuple[Found, ...]


class Curves:
    """Recorded curves and the duration of an epoch."""

    def __init__(self, table: pd.DataFrame) -> None:
        """Fit to the completed trainings of a recorded table."""
        done = table[table["ending"] == "completed"]
        self.curves: Floats = np.stack([np.asarray(curve, float) for curve in done["curve"]])
        self.places = np.array(
            [_place(curve[-1], macs) for curve, macs in zip(self.curves, done["macs"], strict=True)]
        )
        features = np.log10(done[list(COSTS)].to_numpy(dtype=float))
        self.clock = ExtraTreesRegressor(200, min_samples_leaf=3, random_state=0)
        self.clock.fit(features, np.log(done["cpu_seconds"].to_numpy(dtype=float)))

    def curve(self, profile: Profile, top1: float) -> tuple[Measurement, ...]:
        """Return the curve of a network whose training ends at `top1` percent."""
        nearest = np.square(self.places - _place(top1, profile.macs)).sum(axis=1).argmin()
        shape = self.curves[nearest]
        costs = np.log10([[float(asdict(profile)[name]) for name in COSTS]])
        seconds = float(np.exp(self.clock.predict(costs)[0])) / len(shape)
        top1s = np.clip(shape - shape[-1] + top1, 1.0, 99.9)
        return tuple(
            Measurement(k, float(value), 0.5, k * seconds) for k, value in enumerate(top1s, 1)
        )


def _place(top1: float, macs: float) -> Floats:
    return np.array([top1 / 5.0, np.log10(macs)])


RULES: dict[str, Never | Halving] = {"none": Never(), "rank": ByRank(1, 3), "hope": Halving(1, 3)}


class ClockedTrainings(Trainings):
    """Trainings with curves, stopped by a rule."""

    def __init__(
        self, evaluator: Evaluator, predictor: Predictor, number: int, curves: Curves, rule: str
    ) -> None:
        super().__init__(evaluator, predictor, number)
        self.curves = curves
        self.stopping = SearchCurves(RULES[rule], curves.curves.shape[1])
        self.seconds, self.epochs = 0.0, 0

    def trained(self, new: Outcome, described: Description, top1: float) -> Outcome:
        """Return the row of a training that would end at `top1`, or that is stopped earlier."""
        assert isinstance(new.profile, Profile)
        whole = self.curves.curve(new.profile, top1)
        length = next(
            (k for k, line in enumerate(whole, 1) if not self._goes_on(new, described, line)),
            len(whole),
        )
        curve = whole[:length]
        self.seconds += curve[-1].seconds
        self.epochs += length
        completed = length == len(whole)
        self.stopping.remember(new.number, curve, completed)
        if not completed:
            return replace(new, ending="stopped", attempt=1, curve=curve)
        return replace(self._scored(new, described, top1), curve=curve)

    def _goes_on(self, new: Outcome, described: Description, line: Measurement) -> bool:
        def is_admitted(end: Measurement) -> bool:
            value = self.evaluator.evaluate(described.candidate, end).value
            return value is not None and value > admission(list(self.known.values()), Finals())

        return self.stopping.goes_on(new.number, line, is_admitted)


def main() -> None:
    """Run all searches and print the table."""
    options = _options()
    task = Task(options.experiment, options.data, str(options.table), 0)
    words = options.variants.split(";") if options.variants else list(VARIANTS)
    hours = dict(horizon(word, options.hours) for word in words)
    names = list(hours)
    jobs = [(name, number) for number, name in product(range(options.runs), names)]
    with ProcessPoolExecutor(options.jobs) as pool:
        waiting = [pool.submit(run, task, name, number, hours[name]) for name, number in jobs]
        runs = [one.result() for one in waiting]
    for line in table(names, runs, options.within):
        print(line)
    if options.to:
        options.to.write_text(json.dumps([asdict(one) for one in runs], indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("experiment")
    parser.add_argument("--data", required=True, help="image folder, for the probes")
    parser.add_argument("--table", required=True, type=Path, help="table of record_space.py")
    parser.add_argument("--variants", help="NAME or NAME@HOURS, separated by ;. Default: all")
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--hours", type=float, default=2.0, help="simulated hours of a search")
    parser.add_argument(
        "--within",
        type=float,
        default=1.0,
        help="distance of the target from the best of all runs, in dB",
    )
    parser.add_argument("--jobs", type=int, default=None, help="number of processes")
    parser.add_argument("--to", type=Path, help="write all runs to this JSON file")
    return parser.parse_args()


def horizon(word: str, hours: float) -> tuple[str, float]:
    """Read `NAME` or `NAME@HOURS`; exit with the known names if it is neither."""
    name, _, own = word.strip().partition("@")
    if name not in VARIANTS:
        raise SystemExit(f"--variants: unknown {name!r}; known: {'; '.join(VARIANTS)}")
    try:
        hours = float(own or hours)
    except ValueError:
        hours = 0.0
    if not hours > 0:
        raise SystemExit(f"--variants: expected hours above 0 behind @, got {own!r}")
    return name, hours


@lru_cache(maxsize=1)
def _curves(path: str) -> Curves:
    return Curves(pd.read_parquet(path))


def run(task: Task, variant: str, number: int, hours: float) -> Run:
    """Search until the simulated clock shows `hours`; start afresh if nothing new is proposed."""
    use, rule = VARIANTS[variant]
    setting, predictor = opened(task)
    trainings = ClockedTrainings(setting.evaluator, predictor, number, _curves(task.table), rule)
    proposing, found = 0.0, list[Found]()
    for step in _restarted(lambda k: generator_of(setting, use, number + k * RESTARTS), trainings):
        proposing += step.seconds
        value = trainings.true.get(step.outcome.fingerprint)
        if step.trained and step.outcome.value is not None and value is not None:
            found.append(Found(trainings.seconds + proposing, value))
        if trainings.seconds + proposing >= 3600 * hours:
            break
    ended = trainings.seconds + proposing
    counted = trainings.count, trainings.epochs
    return Run(variant, number, ended, *counted, proposing, tuple(found))


def _restarted(make: Callable[[int], Generator], trainings: ClockedTrainings) -> Iterator[Step]:
    asked = 0
    for attempt in count():
        idle = 0
        for step in steps(make(attempt), trainings, asked):
            yield step
            asked += 1  # Each proposal has its own number, by which the rule keeps its rungs.
            idle = 0 if step.trained else idle + 1
            if idle >= PATIENCE:
                break


def table(names: Sequence[str], runs: Sequence[Run], within: float) -> list[str]:
    """Return the table: the time to the target and its ratio to the first variant's."""
    best = max(found.value for one in runs for found in one.found)
    lines = [f"best of all runs {best:.2f} dB; target {best - within:.2f} dB", ""]
    lines += heading(HEADS)
    first = [arrival(one, best - within) for one in runs if one.variant == names[0]]
    for name in names:
        mine = [one for one in runs if one.variant == name]
        arrivals = [arrival(one, best - within) for one in mine]
        lines.append(_line(name, mine, arrivals, first))
    return [*lines, "", *(_overtaken(names[0], name, runs) for name in names[1:])]


def _overtaken(first: str, other: str, runs: Sequence[Run]) -> str:
    """Compare when both variants reached the other's final value, in the median."""
    theirs = [one for one in runs if one.variant == other]
    ends = [max((found.value for found in one.found), default=-inf) for one in theirs]
    end = float(np.median(ends))
    if end == -inf:
        return f"{other} found nothing feasible in most of its runs"
    mine = [one for one in runs if one.variant == first]
    sooner, later = (_median_arrival(some, end) for some in (mine, theirs))
    if sooner == inf:
        return f"{first} did not reach the {end:.2f} dB that {other} ended with"
    had = f"{end:.2f} dB, with which {other} ended after {later / 60:.1f} minutes"
    return f"{had}: {first} after {sooner / 60:.1f}, {later / sooner:.1f} times sooner"


def _median_arrival(runs: Sequence[Run], target: float) -> float:
    """Return the median seconds until the target; infinite if most runs missed it."""
    ordered = sorted(inf if (s := arrival(one, target)) is None else s for one in runs)
    return ordered[(len(ordered) - 1) // 2]


def arrival(one: Run, target: float) -> float | None:
    """Return the seconds after which a run reached the target, or None."""
    return next((found.seconds for found in one.found if found.value >= target), None)


def _line(
    name: str, mine: Sequence[Run], arrivals: Sequence[float | None], first: Sequence[float | None]
) -> str:
    whole = [one.seconds for one in mine]
    least = [s if a is None else a for a, s in zip(arrivals, whole, strict=True)]
    more = "over " if sum(a is None for a in arrivals) * 2 >= len(arrivals) else ""
    known = [s for s in first if s is not None]
    ratio = float(np.median(least)) / float(np.median(known)) if known else float("nan")
    cells = [name, f"{more}{np.median(least) / 60:.1f}"]
    cells.append(f"{sum(a is not None for a in arrivals)} of {len(arrivals)}")
    cells += [f"{more}{ratio:.1f}", f"{np.median([one.trainings for one in mine]):.0f}"]
    cells.append(f"{100 * sum(one.proposing for one in mine) / sum(whole):.0f} %")
    return markdown(cells)


if __name__ == "__main__":
    main()
