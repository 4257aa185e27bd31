"""Uniform random draws: the yardstick that every generator must beat."""

import numpy as np

from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import Problem
from gensynth.generators.protocol import Proposal
from gensynth.space import Draw, Recording


class RandomGenerator:
    """Draws every decision with equal probability and learns nothing."""

    def __init__(self, problem: Problem, seed: int) -> None:
        """Begin the sequence of draws that `seed` stands for."""
        self.problem = problem
        self.seeds = np.random.SeedSequence(seed)
        self.asked = 0

    def ask(self) -> Proposal:
        """Draw the next candidate."""
        record = Recording(Draw(np.random.default_rng(self.seeds.spawn(1)[0])))
        self.problem.sample(record)
        self.asked += 1
        return Proposal(record.decisions, self.asked - 1)

    def tell(self, outcome: Outcome) -> None:
        """Take note of nothing."""


def make(problem: Problem, seed: int) -> RandomGenerator:
    """Make the generator named `random`."""
    return RandomGenerator(problem, seed)
