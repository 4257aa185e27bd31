r"""Searches that begin with what an earlier campaign has trained, beside cold ones.

    python -m experiments.benchmarks.warm_start experiments/fashion_mnist.toml \
        --data FASHION_MNIST_FOLDER --table experiments/results/attendnext_fashion_mnist.parquet \
        --to RUNS.jsonl --variants cold,limits,unrelated --runs 10 --jobs 2

Trainings are simulated as in `simulated_space.py`. The earlier campaign has 32 trainings under
other limits (`OTHER`) with other noise: `limits` begins with them as they are, `unrelated` with
their accuracies shuffled, so that they say nothing. The table states the median value after some
trainings, a dash where most runs have found none, and the trainings after which values are reached.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice, product
from math import inf
from statistics import median

import numpy as np

from experiments.benchmarks.command_line import append_line, lines_of, simulation_parser
from experiments.benchmarks.simulated_space import (
    PROPOSALS,
    Task,
    Trainings,
    generator_of,
    opened,
    steps,
)
from experiments.benchmarks.tables import heading, markdown
from gensynth.campaign.context import Context
from gensynth.campaign.earlier import trainings_of
from gensynth.campaign.experiment_tables import RuleTable
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import EarlierCampaign
from gensynth.process import on_one_core

OTHER = {
    "max_macs": RuleTable("max_macs", options={"limit": 300_000}),
    "top1": RuleTable("top1", options={"min": 78.0}),
}
"""Limits of the earlier campaign, in place of the experiment's."""
TRAININGS, MARKS, VALUES = 32, (2, 4, 8, 16, 32), (140, 142, 144)
EARLIER_NOISE = 1_000
"""Added to the number of a run for the seed of its earlier campaign."""


@dataclass(frozen=True)
class Ran:
    """What became of one search."""

    variant: str
    number: int
    best: tuple[float | None, ...]
    """Noise-free value of the best candidate after each training."""


def main() -> None:
    """Run what is missing, then print the table."""
    arguments = simulation_parser(__doc__, "cold,limits,unrelated").parse_args()
    task = Task(arguments.experiment, arguments.data, str(arguments.table), TRAININGS)
    names = arguments.variants.split(",")
    done = {(ran.variant, ran.number) for ran in lines_of(arguments.to, Ran)}
    jobs = [
        (task, name, number)
        for number, name in product(range(arguments.runs), names)
        if (name, number) not in done
    ]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for ran in pool.map(run, *zip(*jobs, strict=True)) if jobs else ():
            append_line(arguments.to, ran)
    for line in table_of(lines_of(arguments.to, Ran)):
        print(line)


def run(task: Task, variant: str, number: int) -> Ran:
    """Run one search; `number` seeds the generator and the noise of the trainings."""
    with on_one_core():
        context, _ = opened(task)
        if variant != "cold":
            earlier = earlier_trainings(task, number)
            if variant == "unrelated":
                earlier = shuffled(earlier, number)
            context = replace(context, earlier=(earlier,))
        _, best = searched(task, context, number)
        return Ran(variant, number, tuple(best))


def searched(task: Task, context: Context, number: int) -> tuple[list[Outcome], list[float | None]]:
    """Return the outcomes of a search, and the best true value after each training."""
    _, predictor = opened(task)
    trainings = Trainings(context.evaluator, predictor, number)
    found, best = [], []
    generator = generator_of(context, "gensynth", number)
    for step in islice(steps(generator, trainings), PROPOSALS * task.trainings):
        if step.trained:
            found.append(step.outcome)
            best.append(trainings.best_value())
        if trainings.count == task.trainings:
            break
    return found, best


def earlier_trainings(task: Task, number: int) -> EarlierCampaign:
    """Return the trainings of a campaign under other limits."""
    context, _ = opened(task)
    own = context.experiment
    experiment = replace(own, constraints={**own.constraints, **OTHER})
    other = replace(context, experiment=experiment, indicator=experiment.make_indicator())
    outcomes, _ = searched(task, other, EARLIER_NOISE + number)
    return trainings_of("earlier", outcomes)


def shuffled(campaign: EarlierCampaign, number: int) -> EarlierCampaign:
    """Return a campaign whose accuracies are those of other networks of it."""
    order = np.random.default_rng(number).permutation(len(campaign.outcomes))
    curves = [campaign.outcomes[k].curve for k in order]
    pairs = zip(campaign.outcomes, curves, strict=True)
    return replace(campaign, outcomes=tuple(replace(o, curve=curve) for o, curve in pairs))


def table_of(runs: Sequence[Ran]) -> list[str]:
    """Lay out the median value of each start after some trainings, and the trainings to values."""
    marks = [f"best@{m}" for m in MARKS]
    lines = heading(["start", "runs", *marks, *(f"trainings to {v} dB" for v in VALUES)])
    for variant in dict.fromkeys(r.variant for r in runs):
        mine = [r for r in runs if r.variant == variant]
        best = [median(r.best[m - 1] or -inf for r in mine) for m in MARKS]
        needed = [median(_first(r.best, value) for r in mine) for value in VALUES]
        cells = [f"{value:.2f}" if value > -inf else "-" for value in best]
        cells += [f"{count:g}" if count < inf else f"over {TRAININGS}" for count in needed]
        lines.append(markdown([variant, str(len(mine)), *cells]))
    return lines


def _first(best: Sequence[float | None], wanted: float) -> float:
    """Return the number of trainings after which a value is reached; infinity if it is not."""
    reached = (k + 1 for k, value in enumerate(best) if value is not None and value >= wanted)
    return next(reached, inf)


if __name__ == "__main__":
    main()
