"""Where a training that was stopped early would have ended, and how surely.

From the completed trainings: a line through their accuracies at that epoch and at their end, with
little trust in the line where they are few. It is flat at early epochs, where slow learners have
hardly begun: carried on by the rise of the others, they would count for far worse than they are.
Nothing here depends on the unit: what is measured may be a loss or a share as well as percent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from gensynth.evaluation.outcome import Outcome

SLOPE = 0.5
"""Points at the end for each point at the epoch, where nothing is known of it."""
TRUST = 2.0
"""Trainings that this slope, and the prior deviation, count for."""
SHARE = 0.25
"""The deviation where nothing is known, as a share of what is still to come."""
LEAST = 0.1
"""As a share of the spread of the ends, what it has then at least."""
TINY = 1e-9
"""Share of the square of the accuracies that keeps a division from being one by zero."""


@dataclass(frozen=True)
class End:
    """The accuracy at the end of a whole training, as far as it can be told."""

    top1: float
    """In the unit of the measurements: percent, where they are accuracies."""
    deviation: float
    """In the same unit; infinite where no training was completed."""


def ends_from(epoch: int, whole: Sequence[Outcome]) -> list[tuple[float, float]]:
    """Give the accuracies of the `whole` trainings at an epoch, each with that at its end."""
    return [
        (line.top1, outcome.curve[-1].top1)
        for outcome in whole
        for line in outcome.curve
        if line.epoch == epoch
    ]


def end_of(reached: float, pairs: Sequence[tuple[float, float]]) -> End:
    """Carry a training on that was stopped at an accuracy, by those of `ends_from` its epoch."""
    if not pairs:
        return End(reached, float("inf"))
    then, end = np.array(pairs).T
    apart, behind = then - then.mean(), reached - then.mean()
    weight = TRUST * float(np.square([*apart, behind]).mean())
    weight += TINY * float(np.square(then).max()) or TINY
    steady = float(apart @ apart) + weight
    slope = (float(apart @ (end - end.mean())) + SLOPE * weight) / steady
    misses = end - end.mean() - slope * apart
    prior = max(SHARE * float(abs(end.mean() - then.mean())), LEAST * float(end.std()))
    variance = (float(misses @ misses) + TRUST * prior**2) / (len(pairs) + TRUST)
    variance *= 1 + 1 / len(pairs) + behind**2 / steady
    likely = float(end.mean()) + slope * behind
    return End(likely, sqrt(variance))
