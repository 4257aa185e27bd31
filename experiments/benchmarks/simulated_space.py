r"""Searches of our own space without training, with accuracies predicted from recorded ones.

    python -m experiments.benchmarks.simulated_space experiments/fashion_mnist.toml \
        --data FASHION_MNIST_FOLDER --table experiments/results/attendnext_fashion_mnist.parquet \
        --variants gensynth,frozen,no-inquisitor,probes,no-foresight,gp,tpe,random --runs 20

Everything except the training is that of a real search: networks are built, judged, counted and
probed. The top-1 is predicted, with the noise found between two recorded seeds of one network; in
one run, all generators get the same noise for the same network. The reported value is that of the
best candidate without noise, so a search gains nothing from luck.
"""

import argparse
import json
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.benchmarks.command_line import experiment_on, parser_for
from experiments.benchmarks.recorded_predictor import Predictor
from experiments.benchmarks.tables import heading, markdown, paired_p
from gensynth.campaign.context import Context, make_context
from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError, broken
from gensynth.evaluation.evaluator import Description, Evaluator
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.by_name import make_generator
from gensynth.generators.protocol import Generator, Proposal
from gensynth.genome import digest
from gensynth.graph.profile import Profile
from gensynth.record import outcome_rows

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "gensynth": ("gensynth", {}),
    "frozen": ("gensynth", {"rate": 0.0}),
    "no-inquisitor": ("gensynth", {"learn": False}),
    "probes": ("gensynth", {"probe": True}),
    "no-foresight": ("gensynth", {"foresight": False}),
    **{name: (name, {}) for name in ("gp", "tpe", "nsgaii", "evolution", "random")},
}
NO_PROTOTYPE = "no-prototype"
"""gensynth without a prototype, like the other generators."""
MARKS = (8, 16, 32, 48)
PROPOSALS = 40
"""Most proposals per training, since some generators propose what breaks a constraint."""


@dataclass(frozen=True)
class Task:
    """The experiment, its data, the recorded table and the number of trainings."""

    experiment: str
    data: str
    table: str
    trainings: int


@dataclass(frozen=True)
class Run:
    """The result of one generator in one run."""

    variant: str
    number: int
    best: tuple[float | None, ...]
    """Noise-free value of the candidate with the best measured value, after each training."""
    feasible: float
    """Share of its trainings that kept every constraint."""
    seconds: float
    """Median processor time of a proposal."""


@dataclass(frozen=True)
class Step:
    """One proposal and its outcome."""

    outcome: Outcome
    seconds: float
    """Processor time of proposing and of learning."""
    trained: bool
    """Whether it was trained: not refused, not a repetition."""


def main() -> None:
    """Run all variants and print the table."""
    arguments = _arguments()
    task = Task(arguments.experiment, arguments.data, str(arguments.table), arguments.trainings)
    names = arguments.variants.split(",")
    jobs = [(task, name, number) for number in range(arguments.runs) for name in names]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        runs = list(pool.map(run, *zip(*jobs, strict=True)))
    for line in _table(names, runs):
        print(line)
    if arguments.json:
        content = {"task": asdict(task), "runs": [asdict(r) for r in runs]}
        arguments.json.write_text(json.dumps(content))


def _arguments() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("experiment")
    parser.add_argument("--data", required=True, help="image folder, for the probes")
    parser.add_argument("--table", required=True, type=Path, help="table of record_space.py")
    parser.add_argument("--variants", default=f"gensynth,{NO_PROTOTYPE},gp,tpe,random")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--trainings", type=int, default=48)
    parser.add_argument("--jobs", type=int, default=None, help="number of processes")
    parser.add_argument("--json", type=Path, help="write all runs to this JSON file")
    return parser.parse_args()


def run(task: Task, variant: str, number: int) -> Run:
    """Run one search; `number` seeds the generator and the noise of the trainings."""
    context, predictor = opened(task)
    evaluator = context.evaluator
    generator = generator_of(context, variant, number)
    trainings = Trainings(evaluator, predictor, number)
    best, seconds = [], []
    for step in islice(steps(generator, trainings), PROPOSALS * task.trainings):
        seconds.append(step.seconds)
        if step.trained:
            best.append(trainings.best_value())
        if trainings.count == task.trainings:
            break
    share = trainings.feasible / max(trainings.count, 1)
    return Run(variant, number, tuple(best), share, float(np.median(seconds)))


def steps(generator: Generator, trainings: "Trainings", first: int = 0) -> Iterator[Step]:
    """Ask, train and tell endlessly; proposals are numbered from `first`."""
    for number in count(first):
        start, before = time.process_time(), trainings.count
        proposal = generator.ask()
        asked = time.process_time() - start
        outcome = trainings.train(proposal, number)
        start = time.process_time()
        generator.tell(outcome)
        spent = asked + time.process_time() - start
        yield Step(outcome, spent, trainings.count > before)


@lru_cache(maxsize=1)
def opened(task: Task) -> tuple[Context, Predictor]:
    """Open the experiment and fit the predictor, once in a process."""
    context = make_context(experiment_on(Path(task.experiment), Path(task.data)))
    return context, Predictor(pd.read_parquet(task.table))


def generator_of(context: Context, variant: str, number: int) -> Generator:
    """Return the generator of a variant, seeded with `number`."""
    problem = context.problem()
    if variant == NO_PROTOTYPE:
        problem = replace(problem, prototype={})
    name, options = VARIANTS.get(variant, ("gensynth", {}))
    return make_generator(name, options, problem, number, "--variants")


class Trainings:
    """Evaluates proposals as a campaign would, with predicted accuracies."""

    def __init__(self, evaluator: Evaluator, predictor: Predictor, number: int) -> None:
        self.evaluator, self.predictor, self.number = evaluator, predictor, number
        self.known: dict[str, Outcome] = {}
        self.true: dict[str, float | None] = {}
        self.count = self.feasible = 0

    def train(self, proposal: Proposal, asked: int) -> Outcome:
        """Return the row that a campaign would record for a proposal."""
        new = outcome_rows.proposed(asked, asked, proposal)
        try:
            described = self.evaluator.described(proposal.decisions)
            new = outcome_rows.screened(new, described, self.evaluator)
        except (InputError, ConstraintError) as error:
            return replace(new, ending="crashed", detail=str(error))
        if broken(new.judgements):
            return new
        if new.fingerprint in self.known:
            return outcome_rows.duplicated(new, self.known[new.fingerprint])
        mean, noisy = self._top1(new)
        trained = self.trained(new, described, noisy)
        self.true[new.fingerprint] = self._scored(new, described, mean).value
        self.count += 1
        self.feasible += trained.value is not None
        self.known[new.fingerprint] = trained
        return trained

    def trained(self, new: Outcome, described: Description, top1: float) -> Outcome:
        """Return the row of a training that ends at `top1`."""
        return self._scored(new, described, top1)

    def _scored(self, new: Outcome, described: Description, top1: float) -> Outcome:
        line = Measurement(epoch=8, top1=top1, loss=0.5, seconds=10.0)
        ended = replace(new, ending="completed", attempt=1, curve=(line,))
        return outcome_rows.scored(ended, described, self.evaluator)

    def best_value(self) -> float | None:
        """Return the true value of the best candidate that is feasible with and without noise."""
        held = [o for o in self.known.values() if o.value is not None]
        held = [o for o in held if self.true[o.fingerprint] is not None]
        if not held:
            return None
        return self.true[max(held, key=lambda o: o.value or 0.0).fingerprint]

    def _top1(self, outcome: Outcome) -> tuple[float, float]:
        profile = outcome.profile
        assert isinstance(profile, Profile)
        mean = self.predictor.predict(outcome.decisions, asdict(profile))
        seed = int(digest(f"{outcome.fingerprint} {self.number}"), 16)
        noise = np.random.default_rng(seed).normal() * self.predictor.deviation(mean)
        return mean, float(np.clip(mean + noise, 1.0, 99.9))


def _table(names: list[str], runs: list[Run]) -> list[str]:
    marks = [m for m in MARKS if all(len(r.best) >= m for r in runs)]
    head = ["generator", *(f"best@{m}" for m in marks), "p", "feasible", "s/proposal"]
    lines = heading(head)
    first = [r for r in runs if r.variant == names[0]]
    for name in names:
        mine = sorted((r for r in runs if r.variant == name), key=lambda r: r.number)
        cells = [name, *(_spread(mine, m) for m in marks)]
        cells.append("" if name == names[0] else _paired(first, mine, marks[-1]))
        cells.append(f"{np.mean([r.feasible for r in mine]):.0%}")
        cells.append(f"{np.median([r.seconds for r in mine]):.2f}")
        lines.append(markdown(cells))
    return lines


def _values(runs: list[Run], mark: int) -> list[float]:
    """Return the best value of each run; -inf if nothing was feasible."""
    found = (r.best[mark - 1] for r in sorted(runs, key=lambda r: r.number))
    return [float("-inf") if value is None else value for value in found]


def _spread(runs: list[Run], mark: int) -> str:
    ordered = sorted(_values(runs, mark))
    low, middle, high = (ordered[round(q * (len(ordered) - 1))] for q in (0.25, 0.5, 0.75))
    return f"{middle:.2f} [{low:.2f}, {high:.2f}]"


def _paired(ours: list[Run], theirs: list[Run], mark: int) -> str:
    lowest = min(v for v in [*_values(ours, mark), *_values(theirs, mark)] if v > float("-inf"))
    first, second = ([max(v, lowest - 1) for v in _values(runs, mark)] for runs in (ours, theirs))
    return paired_p(first, second)


if __name__ == "__main__":
    main()
