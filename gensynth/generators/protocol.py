"""The contract of generators: G(s; theta_G), and whatever else may propose candidates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import Problem
from gensynth.genome import Decisions


@dataclass(frozen=True)
class Proposal:
    """A proposed candidate: its decisions and the seed s that they were generated from."""

    decisions: Decisions
    """Answers of the search space's questions, by name."""
    seed: int = 0
    """The seed; 0 for generators that have none."""


class Generator(Protocol):
    """Proposes candidates and learns from their outcomes.

    A generator is a deterministic function of its problem, its seed and the order of the calls:
    a resumed campaign repeats the calls with the recorded outcomes and must get the same proposals.
    """

    def ask(self) -> Proposal:
        """Propose a candidate. Several may be pending, and one may be proposed twice."""
        ...

    def tell(self, outcome: Outcome) -> None:
        """Learn from the outcome of a proposal, whatever its ending."""
        ...


@runtime_checkable
class CountsRejections(Protocol):
    """A generator that counts the candidates that it discards itself, before proposing them."""

    @property
    def rejections(self) -> Mapping[str, int]:
        """Discarded candidates, by the name of the rule that they break."""
        ...


@runtime_checkable
class LearnsFromLonger(Protocol):
    """A generator that learns what a training of the finals' length gains over the search's."""

    def tell_longer(self, outcome: Outcome) -> None:
        """Learn from the end of such a training, of a candidate of the search."""
        ...


@runtime_checkable
class LearnsFromEarlier(Protocol):
    """A generator that learns from the problem's `earlier` campaigns before it proposes."""

    @property
    def learns_from_earlier(self) -> bool:
        """Whether it does, with its present options."""
        ...


class MakeGenerator(Protocol):
    """Makes a generator for a problem: a generator's class, or a function.

    The name of a generator denotes such a function. Options are keyword arguments.
    """

    def __call__(self, problem: Problem, seed: int, /) -> Generator:
        """Make the generator; `seed` fixes all of its randomness."""
        ...
