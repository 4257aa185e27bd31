"""Where a training that was stopped early would have ended, and how surely.

From the completed trainings: a line through their accuracies at that epoch and at their end, with
little trust in the line where they are few. It is flat at early epochs, where slow learners have
hardly begun: carried on by the rise of the others, they would count for far worse than they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from gensynth.outcome import Outcome

SLOPE = 0.5
"""Points at the end for each point at the epoch, where nothing is known of it."""
TRUST = 2.0
"""Trainings that this slope, and the prior deviation, count for."""
SHARE = 0.25
"""The deviation where nothing is known, as a share of what is still to come."""
LEAST = 1.0
"""Percentage points that it has then at least."""


@dataclass(frozen=True)
class End:
    """The accuracy at the end of a whole training, as far as it can be told."""

    top1: float
    """Percent, between the accuracy that was reached and 100."""
    deviation: float
    """Percentage points; infinite where no training was completed."""


def end_of(stopped: Outcome, whole: Sequence[Outcome]) -> End:
    """Carry a stopped training on by the `whole` ones that have a measurement at its last epoch."""
    last = stopped.curve[-1]
    pairs = [
        (line.top1, outcome.curve[-1].top1)
        for outcome in whole
        for line in outcome.curve
        if line.epoch == last.epoch
    ]
    if not pairs:
        return End(last.top1, float("inf"))
    then, end = np.array(pairs).T
    apart, behind = then - then.mean(), last.top1 - then.mean()
    weight = TRUST * float(np.square([*apart, behind]).mean()) + 1e-9
    steady = float(apart @ apart) + weight
    slope = (float(apart @ (end - end.mean())) + SLOPE * weight) / steady
    misses = end - end.mean() - slope * apart
    prior = max(SHARE * float(end.mean() - then.mean()), LEAST)
    variance = (float(misses @ misses) + TRUST * prior**2) / (len(pairs) + TRUST)
    variance *= 1 + 1 / len(pairs) + behind**2 / steady
    likely = float(end.mean()) + slope * behind
    return End(min(max(likely, last.top1), max(last.top1, 100.0)), sqrt(variance))
