"""Optuna samplers as generators.

Conditional decisions reach Optuna in a static rectangular encoding: every decision that the space
may ask is a parameter of every trial, or model-based samplers would fall back to independent draws.
Numbers are ordered; other options are categories.
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
from gensynth.generators.problem import FAILED, Problem, are_numbers, sample_decisions
from gensynth.generators.protocol import Generator, MakeGenerator, Proposal
from gensynth.genome import Decision
from gensynth.space import Draw

T = TypeVar("T")
EXPLORED = 256
"""Random draws that find out which decisions a space may ask."""


class OptunaGenerator:
    """Asks an Optuna sampler for candidates, through a study in memory."""

    def __init__(self, problem: Problem, sampler: BaseSampler) -> None:
        """Explore the decisions of `problem` and create a study for `sampler`."""
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

        Raises `InputError` if the sampler needs a package that is not installed: Optuna imports
        the dependencies of its samplers only now.
        """
        try:
            trial = self.study.ask(self.distributions)
        except ImportError as error:
            sampler, package = type(self.study.sampler).__name__, error.name or str(error)
            raise InputError("generator", f"{sampler} needs {package}: install it") from error
        decisions = sample_decisions(self.problem, _Suggested(trial, self.encoding)).decisions
        self.pending.setdefault(_key(decisions), deque()).append(trial)
        return Proposal(decisions, trial.number)

    def tell(self, outcome: Outcome) -> None:
        """Pass the pursued value and the violations to the sampler, also of untrained candidates.

        A candidate that was measured but has no value (it broke a rule, or was stopped early) gets
        the value that it would have at its last top-1; one that was rejected before training, the
        value at the mean top-1; one that failed, the lowest value so far.
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
        """Return the value at the outcome's last top-1, or at the mean top-1 if it has none."""
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
        """Return the violation of every rule; for rules not judged, the mean of the former ones."""
        judged = {j.constraint: j.violation for j in outcome.judgements if j.mode == "enforce"}
        given = {}
        for name, seen in self.violations.items():
            violation = judged.get(name)
            if violation is not None:
                seen.append(violation)
            given[name] = violation if violation is not None else float(np.mean(seen or [0.0]))
        return given


@dataclass(frozen=True)
class _Suggested:
    """Answers with what a trial suggests, by position if that is not among the options."""

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
    """Find the decisions that a space may ask, with all their options, by random draws."""
    rng = np.random.default_rng(0)
    found: dict[str, dict[Decision, None]] = {}
    for _ in range(EXPLORED):
        for name, options in sample_decisions(problem, Draw(rng)).options.items():
            found.setdefault(name, {}).update(dict.fromkeys(options))
    return {name: _ordered(tuple(options)) for name, options in found.items()}


def _ordered(options: tuple[Decision, ...]) -> tuple[Decision, ...]:
    return tuple(sorted(options)) if are_numbers(options) else options  # type: ignore[type-var]


def _distribution(options: Sequence[Decision]) -> BaseDistribution:
    if are_numbers(options):
        return IntDistribution(0, len(options) - 1)
    return CategoricalDistribution(tuple(range(len(options))))


def _key(decisions: Mapping[str, Decision]) -> str:
    return repr(sorted(decisions.items()))


def of_sampler(
    sampler: Callable[..., BaseSampler], description: str = "", **settings: Any
) -> MakeGenerator:
    """Return a maker of generators from an Optuna sampler class.

    The maker passes its keyword options on to the sampler; `settings` are their defaults, and
    `description` becomes its docstring.
    """

    def make_optuna(problem: Problem, seed: int, /, **options: Any) -> Generator:
        return OptunaGenerator(problem, sampler(seed=seed, **{**settings, **options}))

    make_optuna.__doc__ = description
    return make_optuna


def adapt(plugin: Any) -> MakeGenerator:
    """Return the maker of generators that a plugin is: itself, unless it is an Optuna sampler."""
    if isinstance(plugin, type) and issubclass(plugin, BaseSampler):
        return of_sampler(plugin)
    maker: MakeGenerator = plugin
    return maker


tpe = of_sampler(
    optuna.samplers.TPESampler,
    "Make Optuna's tree-structured Parzen estimator, with its options.",
)
gp = of_sampler(
    optuna.samplers.GPSampler,
    "Make Optuna's Gaussian process, with its options.",
    warn_independent_sampling=False,
)
nsgaii = of_sampler(
    optuna.samplers.NSGAIISampler,
    "Make Optuna's NSGA-II with one objective, with its options.",
    population_size=30,
)
