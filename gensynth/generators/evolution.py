"""Regularized evolution (Real et al., arXiv 1802.01548): tournaments, one mutation, age kills."""

from collections import deque
from typing import Any

import numpy as np

from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import Problem, fitness, sample_decisions
from gensynth.generators.protocol import Proposal
from gensynth.genome import Decision, Decisions
from gensynth.space import Draw, Replay


class Evolution:
    """Regularized evolution: it mutates the winner of a tournament among the latest outcomes."""

    def __init__(
        self, problem: Problem, seed: int, population: int = 50, tournament: int = 10
    ) -> None:
        """Start with random draws until `population` outcomes are known.

        Args:
            problem: What is searched.
            seed: Fixes all randomness.
            population: Latest outcomes that are alive.
            tournament: Outcomes among which the best one is the parent; at most `population`.
        """
        self.problem = problem
        self.rng = np.random.default_rng(seed)
        self.tournament = min(tournament, population)
        self.alive: deque[Outcome] = deque(maxlen=population)
        self.asked = 0

    def ask(self) -> Proposal:
        """Draw at random at first; later, mutate the best of a few that are alive."""
        self.asked += 1
        if len(self.alive) < (self.alive.maxlen or 1):
            decisions: Decisions = sample_decisions(self.problem, Draw(self.rng)).decisions
        else:
            picks = self.rng.choice(len(self.alive), size=self.tournament, replace=False)
            parent = max((self.alive[int(pick)] for pick in picks), key=fitness)
            decisions = mutate(self.problem, parent.decisions, self.rng)
        return Proposal(decisions, self.asked - 1)

    def tell(self, outcome: Outcome) -> None:
        """Add the outcome to the population; the oldest one dies."""
        if outcome.ending != "lost":
            self.alive.append(outcome)


def mutate(problem: Problem, parent: Decisions, rng: np.random.Generator) -> dict[str, Decision]:
    """Change one decision of `parent`; decisions that become reachable are drawn at random."""
    record = sample_decisions(problem, Replay(parent))
    changeable = [name for name, options in record.options.items() if len(options) > 1]
    if not changeable:
        return dict(parent)
    name = changeable[int(rng.integers(len(changeable)))]
    others = [option for option in record.options[name] if option != parent[name]]
    changed: Any = others[int(rng.integers(len(others)))]
    kept = Replay({**parent, name: changed}, otherwise=Draw(rng), lenient=True)
    return sample_decisions(problem, kept).decisions
