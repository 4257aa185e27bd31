"""What a generator sees of a search: decisions, what is known before training, and probing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Protocol, runtime_checkable

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.evaluation.outcome import Outcome
from gensynth.genome import Decision, Decisions
from gensynth.space import Choose, Recording


@dataclass(frozen=True)
class Foresight:
    """What is known of a candidate before it is trained. It is exact and never learned."""

    genome_id: str
    fingerprint: str
    violations: Mapping[str, float] = field(default_factory=dict)
    """Violation of each enforced rule that can be judged before training; at most 0 if it holds."""
    features: Mapping[str, float] = field(default_factory=dict)
    """Numbers that may help to predict the accuracy: log10 of parameters, MACs, memory, ..."""
    decisions: Decisions = field(default_factory=dict)
    """The decisions that lead to the candidate, if `prospect` needs them."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """Each cost that requirements limit, above 0; see `HasFront`."""
    cost: float = 0.0
    """Decibels by which preferences that are already known to be violated reduce its value."""

    @property
    def feasible(self) -> bool:
        """Whether every enforced rule that can be judged before training holds."""
        return all(violation <= 0 for violation in self.violations.values())


@dataclass(frozen=True)
class Prospect:
    """What a candidate would be worth at each of several supposed top-1 accuracies."""

    value: NDArray[float64]
    """The pursued value (U minus the cost of violated preferences) at each accuracy, whether the
    candidate is feasible or not; NaN where U is not defined."""
    violation: NDArray[float64]
    """Sum of the positive violations of all enforced rules that the accuracy decides; 0 if they
    hold."""
    decided: Sequence[str] = ()
    """Names of the enforced rules that the accuracy decides."""


class Problem(Protocol):
    """What a generator searches: a search space with its rules and score, or a table."""

    @property
    def prototype(self) -> Decisions:
        """The decisions at which a generator starts; empty if there is no starting point."""
        ...

    @property
    def enforced(self) -> Sequence[str]:
        """Names of the rules that make up 1_r, whenever they can be judged."""
        ...

    def sample(self, choose: Choose, /) -> object:
        """Ask `choose` for every decision that is reached."""
        ...

    def foresee(self, decisions: Decisions) -> Foresight:
        """Return what is known before training; raise `InputError` if no network can be built."""
        ...

    def prospect(self, foresight: Foresight, top1: NDArray[float64]) -> Prospect:
        """Return what a candidate would be worth at supposed top-1 accuracies in percent, (n,)."""
        ...

    def probe(self, decisions: Mapping[str, Decision]) -> Mapping[str, float]:
        """Return the reactions of the built, untrained network to stimuli, by name.

        The mapping is empty if there is no network to probe.
        """
        ...


@dataclass(frozen=True)
class Confirmation:
    """How what a search finds is confirmed: by further trainings with fresh seeds.

    The enforced rules must hold on a lower bound of their mean accuracy.
    """

    images: int
    """Images of the split on which every top-1 is measured."""
    replicas: int = 3
    """Further trainings of a candidate."""
    confidence: float = 0.9
    """One-sided confidence of the lower bound, between 0 and 1."""
    longer: bool = True
    """Whether they are longer than the trainings of the search."""

    def measured_within(self, top1: NDArray[float64]) -> NDArray[float64]:
        """Return the standard deviation in points of a top-1 in percent, as far as it is known.

        It is that of a binomial share p of n images, `sqrt(p (1 - p) / n)`.
        """
        share = np.clip(top1 / 100, 0.0, 1.0)
        return np.asarray(100 * np.sqrt(share * (1 - share) / max(self.images, 1)))

    def reserve(self, noise: float) -> float:
        """Return by how many points the bound is expected to lie below the mean.

        `noise` is the standard deviation of one training in points. With R replicas the reserve
        is `t(R - 1, confidence) * noise / sqrt(R)` (Student 1908), as in
        `gensynth.evaluation.confidence.lower_bound`.
        """
        from scipy import stats

        law = stats.t(self.replicas - 1) if self.replicas > 1 else stats.norm()
        return float(law.ppf(self.confidence)) * noise / sqrt(self.replicas)


@runtime_checkable
class IsConfirmed(Protocol):
    """A problem whose finds are confirmed by further trainings, on a known number of images.

    A table has nothing to confirm: it does not satisfy this protocol.
    """

    @property
    def confirmation(self) -> Confirmation | None:
        """How finds are confirmed; None if they are not."""
        ...


@runtime_checkable
class HasFront(Protocol):
    """A problem that asks for the best candidate within every limit on some costs."""

    @property
    def front(self) -> Sequence[str]:
        """Names of those costs; none if one candidate is wanted."""
        ...


@dataclass(frozen=True)
class EarlierCampaign:
    """The trainings of a campaign that is over, or of another tool."""

    name: str
    """Where they come from."""
    outcomes: Sequence[Outcome]
    """Candidates of the present space, with the curves of those trainings."""
    trainings: int = 0
    """Number of trainings that there are, whether they fit the present space or not."""


@runtime_checkable
class HasEarlier(Protocol):
    """A problem for which there are trainings of earlier campaigns to learn from."""

    @property
    def earlier(self) -> Sequence[EarlierCampaign]:
        """Those campaigns; none for a cold start."""
        ...


def costs_of(foresights: Sequence[Foresight], names: Sequence[str]) -> NDArray[float64]:
    """Return the named costs of candidates, (candidates, names)."""
    rows = [[float(foresight.costs[name]) for name in names] for foresight in foresights]
    return np.array(rows, dtype=float64).reshape(len(foresights), len(names))


def sample_decisions(problem: Problem, choose: Choose) -> Recording:
    """Sample a problem with `choose`; return the decisions with the options they came from."""
    record = Recording(choose)
    problem.sample(record)
    return record


def are_numbers(options: Sequence[Decision]) -> bool:
    """Whether all options are numbers, which have an order."""
    return all(isinstance(o, (int, float)) and not isinstance(o, bool) for o in options)


FAILED = ("crashed", "diverged", "out_of_memory", "timed_out")
"""Endings of trainings that say something bad about the candidate itself."""


def fitness(outcome: Outcome) -> tuple[float, float]:
    """Return a key by which better outcomes are greater.

    A feasible outcome is better than an infeasible one; feasible ones are ordered by their pursued
    value, infeasible ones by minus the sum of their violations. An outcome that has neither a value
    nor a broken rule (crashed, stopped) comes last.
    """
    if outcome.value is not None:
        return 0.0, outcome.value
    judged = [j.violation for j in outcome.judgements if j.mode == "enforce"]
    broken = sum(max(violation or 0.0, 0.0) for violation in judged)
    unknown = 0.0 if broken > 0 else 1e9
    return -broken - unknown, outcome.top1 or 0.0
