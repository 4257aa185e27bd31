"""Generators: G(s; theta_G), and whatever else may propose candidates in its place."""

from dataclasses import dataclass
from typing import Protocol

from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import Problem
from gensynth.genome import Decisions


@dataclass(frozen=True)
class Proposal:
    """A candidate to look at: its decisions and the seed s they were generated from."""

    decisions: Decisions
    seed: int = 0


class Generator(Protocol):
    """Proposes candidates and learns from outcomes.

    A deterministic function of its problem, its seed and the order of the calls: a restart
    repeats the calls with the recorded outcomes and must see the same proposals.
    """

    def ask(self) -> Proposal:
        """Propose a candidate; several may be pending, and a repetition is allowed."""
        ...

    def tell(self, outcome: Outcome) -> None:
        """Learn from an outcome of a proposal, whatever its ending."""
        ...


class MakeGenerator(Protocol):
    """Makes a generator for a problem; what a generator's name stands for."""

    def __call__(self, problem: Problem, seed: int, /) -> Generator:
        """Make it; `seed` fixes all its randomness."""
        ...
