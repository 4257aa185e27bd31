"""A draft: a candidate that a generator thinks about, before anybody trains it."""

from dataclasses import dataclass

from gensynth.generators.problem import Foresight, Problem
from gensynth.generators.synthesis.policy import Trace
from gensynth.genome import Decisions
from gensynth.space import Choose, Recording, Replay


@dataclass(frozen=True)
class Draft:
    """Decisions with the options they were taken from, and what is known before training."""

    trace: Trace
    foresight: Foresight

    @property
    def decisions(self) -> Decisions:
        """The answers."""
        return self.trace.decisions

    @property
    def excess(self) -> float:
        """Sum of the positive violations that are known before training."""
        return sum(max(violation, 0.0) for violation in self.foresight.violations.values())


def trace_of(problem: Problem, choose: Choose, seed: int) -> Trace:
    """Let `choose` answer every decision and keep what was asked."""
    record = Recording(choose)
    problem.sample(record)
    return Trace(seed, record.options, record.decisions)


def draft_of(problem: Problem, decisions: Decisions, seed: int = 0) -> Draft:
    """Make a draft of given decisions; `InputError` where they are none of the problem."""
    return Draft(trace_of(problem, Replay(decisions), seed), problem.foresee(decisions))
