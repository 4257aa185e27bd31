"""Regularized evolution (Real et al., AAAI 2019): tournaments, one mutation, age kills.

Outcomes compare as in constrained optimisation: a feasible one beats an infeasible one, among
infeasible ones the smaller sum of violations wins, among feasible ones the pursued value.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import Problem
from gensynth.generators.protocol import Proposal
from gensynth.genome import Decision, Decisions
from gensynth.space import Choose, Draw, Recording, Replay

T = TypeVar("T")


class Evolution:
    """Mutates the winner of a tournament among the youngest outcomes."""

    def __init__(self, problem: Problem, seed: int, population: int, tournament: int) -> None:
        """Begin with random draws until `population` outcomes are known."""
        self.problem = problem
        self.rng = np.random.default_rng(seed)
        self.tournament = tournament
        self.alive: deque[Outcome] = deque(maxlen=population)
        self.asked = 0

    def ask(self) -> Proposal:
        """Draw at random at first, later mutate the best of a few that are alive."""
        self.asked += 1
        if len(self.alive) < (self.alive.maxlen or 1):
            decisions: Decisions = draw(self.problem, Draw(self.rng))
        else:
            picks = self.rng.choice(len(self.alive), size=self.tournament, replace=False)
            parent = max((self.alive[int(pick)] for pick in picks), key=fitness)
            decisions = mutate(self.problem, parent.decisions, self.rng)
        return Proposal(decisions, self.asked - 1)

    def tell(self, outcome: Outcome) -> None:
        """Let the outcome join, and the oldest die."""
        if outcome.ending != "lost":
            self.alive.append(outcome)


def make(problem: Problem, seed: int, population: int = 50, tournament: int = 10) -> Evolution:
    """Make the generator named `evolution`."""
    return Evolution(problem, seed, population, min(tournament, population))


def fitness(outcome: Outcome) -> tuple[float, float]:
    """Order outcomes: by minus the sum of violations first, then by the pursued value."""
    if outcome.value is not None:
        return 0.0, outcome.value
    judged = [j.violation for j in outcome.judgements if j.mode == "enforce"]
    broken = sum(max(violation or 0.0, 0.0) for violation in judged)
    # Whatever ended without a value and without a broken rule (crashed, stopped) comes last.
    untold = 0.0 if broken > 0 else 1e9
    return -broken - untold, outcome.top1 or 0.0


def draw(problem: Problem, choose: Choose) -> dict[str, Decision]:
    """Let `choose` answer every decision."""
    record = Recording(choose)
    problem.sample(record)
    return record.decisions


def mutate(problem: Problem, parent: Decisions, rng: np.random.Generator) -> dict[str, Decision]:
    """Change one decision of `parent`; whatever is newly reached is drawn at random."""
    record = Recording(Replay(parent))
    problem.sample(record)
    changeable = [name for name, options in record.options.items() if len(options) > 1]
    if not changeable:
        return dict(parent)
    name = changeable[int(rng.integers(len(changeable)))]
    others = [option for option in record.options[name] if option != parent[name]]
    changed: Any = others[int(rng.integers(len(others)))]
    return draw(problem, _Lenient({**parent, name: changed}, Draw(rng)))


@dataclass(frozen=True)
class _Lenient:
    """Answers as recorded where that is still an option, else asks `otherwise`."""

    decisions: Decisions
    otherwise: Choose

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        wanted = self.decisions.get(name)
        if name in self.decisions and wanted in options:
            return options[list(options).index(wanted)]  # type: ignore[arg-type]
        return self.otherwise(name, options)
