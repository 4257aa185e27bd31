"""Outcomes as evidence: what each says of the accuracy and of the rules, and how surely."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.outcome import Outcome
from gensynth.synthesis.ensemble import MEMBERS
from gensynth.synthesis.lesson import Inputs, Lesson

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


@dataclass(frozen=True)
class Evidence:
    """What all outcomes say of the accuracy, as each member of an ensemble learns it."""

    told: Sequence[int]
    """Which outcomes say anything."""
    scales: Sequence[Scale]
    lessons: Sequence[Lesson]

    def restored(self, means: Floats) -> Floats:
        """Bring the members' predictions back to accuracies, (members, n)."""
        pairs = zip(self.scales, means, strict=True)
        return np.array([scale.restored(mean) for scale, mean in pairs])


def evidence_of(outcomes: Sequence[Outcome], inputs: Callable[[Sequence[int]], Inputs]) -> Evidence:
    """Put together what `outcomes` say; `inputs` reads the networks of some of them."""
    known = samples(outcomes)
    told = [k for k, sample in enumerate(known) if sample.top1 is not None]
    top1 = np.array([known[k].top1 for k in told], dtype=float64)
    spread = top1 if len(told) else np.array([50.0, 51.0])
    scales = [Scale.of(spread, CLIPPED[k % len(CLIPPED)]) for k in range(MEMBERS)]
    noise = np.array([0.0 if known[k].sure else DOUBT**2 for k in told])
    read = inputs(told)
    return Evidence(told, scales, [Lesson(read, s.standardised(top1), noise) for s in scales])


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
