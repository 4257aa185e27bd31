"""Outcomes as evidence: what each says of the accuracy and of the rules, and how surely."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.evaluation.outcome import Outcome
from gensynth.generators.synthesis.ensemble import MEMBERS
from gensynth.generators.synthesis.extrapolation import end_of, ends_from
from gensynth.generators.synthesis.lesson import Inputs, Lesson

Floats = NDArray[float64]
FAILED = ("diverged", "crashed", "out_of_memory", "timed_out")
CLIPPED = (1.5, 3.0)
"""Accuracies lower than the median by this times (best - median) are all alike: bad. Members of an
ensemble take turns, since a close look at the best and a view of the whole both have their uses."""
DOUBT = 0.5
"""Deviation, in standardised units, of the accuracy that a failure counts as."""
MOST_DOUBT = 2.0
"""Deviation, in standardised units, of what nothing is known of."""


@dataclass(frozen=True)
class Sample:
    """One network that was tried."""

    top1: float | None
    """Measured at the end of the training, or inferred; None where nothing can be said."""
    deviation: float | None = 0.0
    """Of what is inferred, in the unit of `top1`; 0 where it was measured; None: `DOUBT`."""


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

    A training that was stopped early is carried on as the completed ones went on from that epoch.
    One that failed counts as the worst accuracy seen.
    """
    whole = [o for o in outcomes if o.ending in ("completed", "duplicate") and o.curve]
    worst = min((o.curve[-1].top1 for o in whole), default=0.0)
    ends = cache(lambda epoch: ends_from(epoch, whole))  # Most are stopped at a few epochs.
    found = []
    for outcome in outcomes:
        if outcome.ending in FAILED:
            found.append(Sample(worst, None))
        elif outcome.ending == "stopped" and outcome.curve:
            last = outcome.curve[-1]
            end = end_of(last.top1, ends(last.epoch))
            found.append(Sample(end.top1, end.deviation))
        else:
            found.append(Sample(outcome.top1))
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
    read, samples_told = inputs(told), [known[k] for k in told]
    return Evidence(
        told,
        scales,
        [Lesson(read, s.standardised(top1), _noise(samples_told, s)) for s in scales],
    )


def _noise(known: Sequence[Sample], scale: Scale) -> Floats:
    """Give the variance of each sample in units of the scale."""
    doubts = [DOUBT if s.deviation is None else s.deviation / scale.width for s in known]
    return np.square(np.minimum(doubts, MOST_DOUBT))
