"""Uniform random draws: the baseline that every generator must beat."""

import numpy as np

from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import Problem, sample_decisions
from gensynth.generators.protocol import Proposal
from gensynth.space import Draw


class RandomGenerator:
    """Uniform random draws, which learn nothing."""

    def __init__(self, problem: Problem, seed: int) -> None:
        """Start the sequence of draws that `seed` fixes."""
        self.problem = problem
        self.seeds = np.random.SeedSequence(seed)
        self.asked = 0

    def ask(self) -> Proposal:
        """Draw every decision of the next candidate with equal probability."""
        draw = Draw(np.random.default_rng(self.seeds.spawn(1)[0]))
        self.asked += 1
        return Proposal(sample_decisions(self.problem, draw).decisions, self.asked - 1)

    def tell(self, outcome: Outcome) -> None:
        """Ignore the outcome."""
