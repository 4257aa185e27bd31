"""Any Optuna sampler as a generator.

Conditional decisions reach Optuna in a static rectangular encoding: every decision that the
space may ask is a parameter of every trial, or model-based samplers would fall back to
independent draws. Numbers are ordered, other options are categories.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.trial import Trial, TrialState

from gensynth.errors import InputError
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import Problem
from gensynth.generators.protocol import Generator, MakeGenerator, Proposal
from gensynth.genome import Decision
from gensynth.space import Draw, Recording

T = TypeVar("T")
FAILED = ("crashed", "diverged", "out_of_memory", "timed_out")
EXPLORED = 256
"""Random draws that find out which decisions a space asks."""


class OptunaGenerator:
    """Asks an Optuna sampler, through a study in memory."""

    def __init__(self, problem: Problem, sampler: BaseSampler) -> None:
        """Explore the decisions of `problem` and open a study for `sampler`."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.problem = problem
        self.study = optuna.create_study(direction="maximize", sampler=sampler)
        self.encoding = _explore(problem)
        self.distributions = {name: _distribution(o) for name, o in self.encoding.items()}
        self.pending: dict[str, deque[Trial]] = {}
        self.top1: list[float] = []
        self.values: list[float] = []
        self.violations: dict[str, list[float]] = {name: [] for name in problem.enforced}

    def ask(self) -> Proposal:
        """Let the sampler suggest all decisions at once.

        Raises `InputError` where the sampler needs a package that is not installed: Optuna
        imports those of its samplers no earlier than here.
        """
        try:
            trial = self.study.ask(self.distributions)
        except ImportError as error:
            sampler, package = type(self.study.sampler).__name__, error.name or str(error)
            raise InputError("generator", f"{sampler} needs {package}: install it") from error
        record = Recording(_Decode(trial, self.encoding))
        self.problem.sample(record)
        self.pending.setdefault(_key(record.decisions), deque()).append(trial)
        return Proposal(record.decisions, trial.number)

    def tell(self, outcome: Outcome) -> None:
        """Give the sampler the pursued value and the violations, also of what was not trained.

        A candidate that was measured but has no value (a broken rule, or stopped early) is told
        what it would be worth at its last top-1; one that was rejected before training, at the
        mean top-1; one that crashed, the worst value so far.
        """
        waiting = self.pending.get(_key(outcome.decisions))
        if not waiting:
            return
        trial = waiting.popleft()
        value = self._value(outcome)
        if outcome.ending == "lost" or value is None:
            self.study.tell(trial, state=TrialState.FAIL)
            return
        for name, violation in self._violations(outcome).items():
            trial.set_constraint(name, violation)
        self.study.tell(trial, value)

    def _value(self, outcome: Outcome) -> float | None:
        value = outcome.value
        if outcome.ending in FAILED:
            return min(self.values, default=None)
        if value is None:
            value = self._supposed(outcome)
        if value is not None:
            self.values.append(value)
        return value

    def _supposed(self, outcome: Outcome) -> float | None:
        if outcome.top1 is not None:
            self.top1.append(outcome.top1)
        supposed = np.mean(self.top1[-1:] if outcome.top1 is not None else self.top1 or [50.0])
        try:
            foresight = self.problem.foresee(outcome.decisions)
        except InputError:
            return min(self.values, default=None)
        value = float(self.problem.prospect(foresight, np.array([supposed])).value[0])
        return value if np.isfinite(value) else None

    def _violations(self, outcome: Outcome) -> dict[str, float]:
        """Give a violation of every rule; of rules not judged, the mean of what was seen."""
        judged = {j.constraint: j.violation for j in outcome.judgements if j.mode == "enforce"}
        given = {}
        for name, seen in self.violations.items():
            violation = judged.get(name)
            if violation is not None:
                seen.append(violation)
            given[name] = violation if violation is not None else float(np.mean(seen or [0.0]))
        return given


@dataclass(frozen=True)
class _Decode:
    """Answers with what a trial suggests; options it does not have come from the nearest."""

    trial: Trial
    encoding: Mapping[str, tuple[Decision, ...]]

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        if name not in self.encoding:  # so rare that the exploration missed it
            return options[self.trial.suggest_int(name, 0, len(options) - 1)]
        known = self.encoding[name]
        position: int = self.trial.params[name]
        wanted = known[position]
        if wanted in options:
            return options[list(options).index(wanted)]  # type: ignore[arg-type]
        return options[position % len(options)]


def _explore(problem: Problem) -> dict[str, tuple[Decision, ...]]:
    """Find the decisions a space may ask and all their options, by random draws."""
    rng = np.random.default_rng(0)
    found: dict[str, dict[Decision, None]] = {}
    for _ in range(EXPLORED):
        record = Recording(Draw(rng))
        problem.sample(record)
        for name, options in record.options.items():
            found.setdefault(name, {}).update(dict.fromkeys(options))
    return {name: _ordered(tuple(options)) for name, options in found.items()}


def _ordered(options: tuple[Decision, ...]) -> tuple[Decision, ...]:
    return tuple(sorted(options)) if _numeric(options) else options  # type: ignore[type-var]


def _numeric(options: Sequence[Decision]) -> bool:
    return all(isinstance(o, (int, float)) and not isinstance(o, bool) for o in options)


def _distribution(options: Sequence[Decision]) -> BaseDistribution:
    if _numeric(options):
        return IntDistribution(0, len(options) - 1)
    return CategoricalDistribution(tuple(range(len(options))))


def _key(decisions: Mapping[str, Decision]) -> str:
    return repr(sorted(decisions.items()))


def of_sampler(
    sampler: Callable[..., BaseSampler], told: str = "", **settings: Any
) -> MakeGenerator:
    """Turn an Optuna sampler class into what a generator's name stands for.

    The maker passes its keyword options on to the sampler; `settings` are their defaults, and
    what it is `told` to be is its docstring.
    """

    def make(problem: Problem, seed: int, /, **options: Any) -> Generator:
        return OptunaGenerator(problem, sampler(seed=seed, **{**settings, **options}))

    make.__doc__ = told
    return make


def adapt(plugin: Any) -> MakeGenerator:
    """Accept a maker of generators or an Optuna sampler class, as named by an import path."""
    if isinstance(plugin, type) and issubclass(plugin, BaseSampler):
        return of_sampler(plugin)
    maker: MakeGenerator = plugin
    return maker


tpe = of_sampler(
    optuna.samplers.TPESampler,
    "Make the generator named `tpe`: Optuna's tree-structured Parzen estimator and its options.",
)
gp = of_sampler(
    optuna.samplers.GPSampler,
    "Make the generator named `gp`: Optuna's Gaussian process and its options.",
    warn_independent_sampling=False,
)
nsgaii = of_sampler(
    optuna.samplers.NSGAIISampler,
    "Make the generator named `nsgaii`: Optuna's NSGA-II with one objective, and its options.",
    population_size=30,
)
