r"""One campaign for every limit: the best network within limits that no search was made for.

    python -m experiments.benchmarks.whole_front experiments/fashion_mnist.toml \
        --data FASHION_MNIST_FOLDER --table experiments/results/attendnext_fashion_mnist.parquet \
        --to RUNS.jsonl --variants front,default,nsgaii,motpe,ehvi --runs 20 --jobs 2

Trainings are simulated as in `simulated_space.py`, with the same noise for the same network. Each
campaign answers 64 limits on parameters and multiply-accumulates by the trained network of the best
measured top-1 within them; what counts is the mean of their noise-free top-1, with `NOTHING` where
no network was trained within a limit. `front` is `[front] costs = ["params", "macs"]` under the
score `accuracy`, `default` the experiment as it stands (NetScore over a floor). The others are
Optuna's multi-objective samplers (NSGA-II, tree-structured Parzen estimators, and a Gaussian
process with the expected improvement of the hypervolume), for top-1 and the logarithms of both
costs. All begin with the prototype. Every campaign is appended as it ends; known ones are skipped.
"""

import argparse
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from itertools import islice
from math import log10
from pathlib import Path

import numpy as np
import optuna
from numpy import float64
from numpy.typing import NDArray
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState
from scipy.stats import qmc

from experiments.benchmarks.command_line import append_line, lines_of, simulation_parser
from experiments.benchmarks.recorded_predictor import Predictor
from experiments.benchmarks.simulated_space import PROPOSALS, Task, Trainings, opened, steps
from experiments.benchmarks.tables import heading, markdown, paired_p
from gensynth.campaign.context import Context
from gensynth.campaign.experiment_tables import Front, Plugin
from gensynth.evaluation.constraint import broken
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.by_name import make_generator
from gensynth.generators.optuna_samplers import OptunaGenerator
from gensynth.generators.problem import Problem
from gensynth.generators.protocol import Generator, Proposal
from gensynth.process import on_one_core
from gensynth.space import Draw, Recording

COSTS = ("params", "macs")
LIMITS, SAMPLED, HARDLY = 64, 400, 0.01
NOTHING = 10.0
"""Top-1 in percent of no network at all: chance, with ten classes."""
SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "nsgaii": lambda seed: NSGAIISampler(seed=seed, population_size=8),
    "motpe": lambda seed: TPESampler(seed=seed, multivariate=True),
    "ehvi": lambda seed: GPSampler(seed=seed),
}


@dataclass(frozen=True)
class Ran:
    """What became of one campaign."""

    variant: str
    number: int
    top1: float
    """Mean over the limits of the noise-free top-1 of the answer."""
    answered: float
    """Share of the limits within which a network was trained."""
    netscore: float | None
    """Best noise-free value under the experiment's own score and rules."""
    seconds: float
    """Processor time."""


class SeveralObjectives(OptunaGenerator):
    """An Optuna sampler that maximises the top-1 and minimises the logarithms of the costs."""

    def __init__(self, problem: Problem, sampler: BaseSampler) -> None:
        """Create the study; the prototype is its first trial."""
        super().__init__(problem, sampler)
        directions = [StudyDirection.MAXIMIZE, *(StudyDirection.MINIMIZE for _ in COSTS)]
        self.study = optuna.create_study(directions=directions, sampler=sampler)
        first = {
            name: options.index(problem.prototype[name]) if name in problem.prototype else 0
            for name, options in self.encoding.items()
        }
        self.study.enqueue_trial(first)
        self._asked: deque[FrozenTrial | Trial] = deque()

    def ask(self) -> Proposal:
        """Let the sampler suggest all decisions at once."""
        proposal = super().ask()
        (waiting,) = self.pending.values()
        self._asked.append(waiting.pop())
        self.pending.clear()
        return proposal

    def tell(self, outcome: Outcome) -> None:
        """Pass the objectives of a candidate that was trained, now or before; others fail."""
        trial = self._asked.popleft().number
        profile = outcome.profile
        if outcome.top1 is None or profile is None:
            self.study.tell(trial, state=TrialState.FAIL)
        else:
            costs = [log10(getattr(profile, cost)) for cost in COSTS]
            self.study.tell(trial, [outcome.top1, *costs])


def main() -> None:
    """Run what is missing, then print the table."""
    arguments = _arguments()
    task = Task(arguments.experiment, arguments.data, str(arguments.table), arguments.trainings)
    names = arguments.variants.split(",")
    done = {(r.variant, r.number) for r in ran_in(arguments.to)}
    jobs = [(n, k) for k in range(arguments.runs) for n in names if (n, k) not in done]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for ran in pool.map(run, [task] * len(jobs), *zip(*jobs, strict=True)) if jobs else ():
            append_line(arguments.to, ran)
    for line in table_of(ran_in(arguments.to), names[0]):
        print(line)


def _arguments() -> argparse.Namespace:
    parser = simulation_parser(__doc__, "front,default,nsgaii,motpe,ehvi")
    parser.add_argument("--trainings", type=int, default=32)
    return parser.parse_args()


def ran_in(file: Path) -> list[Ran]:
    """Return the campaigns that a file holds."""
    return lines_of(file, Ran)


def run(task: Task, variant: str, number: int) -> Ran:
    """Run one campaign; `number` seeds the generator and the noise of the trainings."""
    context, predictor = opened(task)
    asked = context if variant == "default" else for_the_front(context)
    start = time.process_time()
    with on_one_core():
        trainings = Trainings(asked.evaluator, predictor, number)
        generator = generator_of(asked, variant, number)
        for _ in islice(steps(generator, trainings), PROPOSALS * task.trainings):
            if trainings.count == task.trainings:
                break
    answers = answers_of(list(trainings.known.values()), limits(task), predictor)
    return Ran(
        variant,
        number,
        top1=float(np.mean([NOTHING if answer is None else answer for answer in answers])),
        answered=sum(answer is not None for answer in answers) / len(answers),
        netscore=best_netscore(context, predictor, list(trainings.known.values())),
        seconds=time.process_time() - start,
    )


def for_the_front(context: Context) -> Context:
    """Return the experiment with a front in the place of its floor and of its score."""
    own = context.experiment
    rules = {n: r for n, r in own.constraints.items() if r.mode == "enforce" and r.use != "top1"}
    front = replace(own, constraints=rules, score=Plugin("accuracy"), front=Front(COSTS))
    return replace(
        context, experiment=front, score=front.make_score(), indicator=front.make_indicator()
    )


def generator_of(context: Context, variant: str, number: int) -> Generator:
    """Return the generator of a variant."""
    problem = context.problem()
    if variant in SAMPLERS:
        return SeveralObjectives(problem, SAMPLERS[variant](number))
    return make_generator("gensynth", {}, problem, number, "--variants")


@lru_cache(maxsize=1)
def limits(task: Task) -> NDArray[float64]:
    """Return the limits, (limits, costs): between the costs of random networks, log-uniform.

    The networks keep the rules that need no training. Limits that hardly any of them keeps are left
    out.
    """
    context, _ = opened(task)
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(SAMPLED):
        record = Recording(Draw(rng))
        context.space.sample(record)
        candidate = context.evaluator.described(record.decisions).candidate
        if not broken(context.evaluator.judge_untrained(candidate)):
            rows.append([log10(getattr(candidate.profile, cost)) for cost in COSTS])
    known = np.array(rows)
    low, high = np.quantile(known, [0.02, 0.98], axis=0)
    places = low + qmc.Sobol(len(COSTS), scramble=False).random(4 * LIMITS) * (high - low)
    reached = (known[None] <= places[:, None]).all(axis=2).mean(axis=1) >= HARDLY
    return np.asarray(10 ** places[reached][:LIMITS])


def answers_of(
    trained: Sequence[Outcome], asked: NDArray[float64], predictor: Predictor
) -> list[float | None]:
    """Return the noise-free top-1 of the answer to each limit; None where there is none."""
    costs = np.array([[getattr(o.profile, cost) for cost in COSTS] for o in trained])
    measured = np.array([o.top1 for o in trained], dtype=float64)
    true = [predictor.predict(o.decisions, asdict(o.profile)) for o in trained]  # type: ignore[arg-type]
    found: list[float | None] = []
    for limit in asked:
        keeps = (costs <= limit).all(axis=1)
        found.append(true[int(np.where(keeps, measured, -1).argmax())] if keeps.any() else None)
    return found


def best_netscore(
    context: Context, predictor: Predictor, trained: Sequence[Outcome]
) -> float | None:
    """Return the best noise-free value under the experiment's own score and rules."""
    judge = Trainings(context.evaluator, predictor, 0)
    for number, outcome in enumerate(trained):
        judge.train(Proposal(outcome.decisions, outcome.seed), number)
    return max((value for value in judge.true.values() if value is not None), default=None)


def table_of(campaigns: Sequence[Ran], first: str) -> Iterable[str]:
    """Yield a table of all campaigns, each variant beside the first one of the same numbers."""
    head = ["search", "n", "top-1 % within limits", "difference", "wins", "p"]
    yield from heading([*head, "limits answered", "best NetScore dB", "s"])
    ours = {r.number: r for r in campaigns if r.variant == first}
    for name in sorted({r.variant for r in campaigns}, key=lambda n: (n != first, n)):
        mine = [r for r in campaigns if r.variant == name and r.number in ours]
        gaps = [r.top1 - ours[r.number].top1 for r in mine]
        scores = [r.netscore for r in mine if r.netscore is not None]
        yield markdown(
            [
                name,
                str(len(mine)),
                f"{np.mean([r.top1 for r in mine]):.2f}",
                f"{np.mean(gaps):+.2f}",
                f"{sum(gap > 0 for gap in gaps)}",
                paired_p([ours[r.number].top1 for r in mine], [r.top1 for r in mine]),
                f"{np.mean([r.answered for r in mine]):.0%}",
                f"{np.mean(scores):.2f}" if scores else "-",
                f"{np.mean([r.seconds for r in mine]):.0f}",
            ]
        )


if __name__ == "__main__":
    main()
