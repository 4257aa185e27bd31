"""Outcomes as evidence: what each says of the accuracy and of the rules, and how surely."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.outcome import Outcome

Floats = NDArray[float64]
FAILED = ("diverged", "crashed", "out_of_memory", "timed_out")
CLIPPED = (1.5, 3.0)
"""Accuracies lower than the median by this times (best - median) are all alike: bad. Members of an
ensemble take turns, since a close look at the best and a view of the whole both have their uses."""
DOUBT = 0.5
"""Deviation, in standardised units, of an accuracy that is inferred, not measured."""


@dataclass(frozen=True)
class Sample:
    """One network that was tried."""

    top1: float | None
    """Measured at the end of the training, or inferred; None where nothing can be said."""
    sure: bool
    """Whether it was measured at the end of the whole training."""


@dataclass(frozen=True)
class Scale:
    """How accuracies are standardised before they are learned."""

    center: float
    width: float
    floor: float

    @classmethod
    def of(cls, top1: Floats, clipped: float = CLIPPED[0]) -> "Scale":
        """Choose it by the accuracies seen: what is far below the median counts as equal."""
        median, best = float(np.median(top1)), float(top1.max())
        floor = median - clipped * (best - median) - 1e-9
        kept = np.maximum(top1, floor)
        return cls(float(kept.mean()), float(kept.std()) or 1.0, floor)

    def standardised(self, top1: Floats) -> Floats:
        """Clip and standardise."""
        return (np.maximum(top1, self.floor) - self.center) / self.width

    def restored(self, numbers: Floats) -> Floats:
        """Bring standardised numbers back to accuracies."""
        return self.center + self.width * numbers


def samples(outcomes: Sequence[Outcome]) -> list[Sample]:
    """Say what each outcome tells of the accuracy after a whole training.

    A training that was stopped early is carried on as the completed ones went on from that epoch
    in the median. One that failed counts as the worst accuracy seen.
    """
    whole = [o for o in outcomes if o.ending in ("completed", "duplicate") and o.curve]
    worst = min((o.curve[-1].top1 for o in whole), default=0.0)
    found = []
    for outcome in outcomes:
        if outcome.ending in FAILED:
            found.append(Sample(worst, sure=False))
        elif outcome.top1 is None:
            found.append(Sample(None, sure=False))
        elif outcome.ending == "stopped":
            found.append(Sample(outcome.top1 + _still_to_come(outcome, whole), sure=False))
        else:
            found.append(Sample(outcome.top1, sure=True))
    return found


def scales_of(known: Sequence[Sample], members: int) -> list[Scale]:
    """Choose a scale of the accuracy for each member of the ensemble."""
    top1 = np.array([s.top1 for s in known if s.top1 is not None] or [50.0, 51.0])
    return [Scale.of(top1, CLIPPED[k % len(CLIPPED)]) for k in range(members)]


def _still_to_come(stopped: Outcome, whole: Sequence[Outcome]) -> float:
    epoch = stopped.curve[-1].epoch
    rises = [
        max(outcome.curve[-1].top1 - line.top1, 0.0)
        for outcome in whole
        for line in outcome.curve
        if line.epoch == epoch
    ]
    room = 100.0 - stopped.curve[-1].top1
    return min(float(np.median(rises)), max(room, 0.0)) if rises else 0.0
