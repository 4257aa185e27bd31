"""The order of outcomes by constrained optimisation, and the endings that count as failures."""

from gensynth.evaluation.outcome import Outcome

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
