"""What outcomes say about the accuracy and the rules, as data sets, and with what certainty.

A training that was stopped early is extrapolated by a regression over the completed ones, from
their accuracies at that epoch to those at their end, with a prior that holds the line while they
are few. The line is flat at early epochs, at which slow learners have hardly begun: extrapolated by
the others' rise, they would count as far worse than they are. Nothing here depends on the unit: a
measurement may be a loss or a share as well as a percentage.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import inf, sqrt

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import FAILED, Confirmation, Problem
from gensynth.generators.synthesis.candidates import SampledCandidate, sampled_candidate
from gensynth.generators.synthesis.encoding import Dataset, Inputs
from gensynth.generators.synthesis.slopes import UNEXPLAINED, Slopes

Floats = NDArray[float64]
NO_CAMPAIGNS: Floats = np.zeros(0)
Encode = Callable[[Sequence[int]], Inputs]
USUAL_GAIN, USUAL_TRAININGS = 0.8, 0.5
"""Points that twice the length usually gains (0 to 1.1 after 40 epochs, 2 to 4 after 12), and the
number of trainings that this counts for."""
"""Encodes the candidates of outcomes, which are given by their indices."""

SLOPE = 0.5
"""Prior slope: points at the end for each point at the epoch."""
PRIOR_TRAININGS = 2.0
"""Number of trainings that the prior slope and the prior deviation count for."""
PRIOR_DEVIATION = 0.25
"""Prior standard deviation, as a share of the rise that is still to come."""
LEAST_DEVIATION = 0.1
"""Lower bound of the prior standard deviation, as a share of the deviation of the ends."""
TINY = 1e-9
"""Share of the squared accuracies that keeps a division from being one by zero."""

CLIPPED = (1.5, 3.0)
"""Accuracies below `median - factor * (best - median)` are clipped: they are all equally bad. The
members of an ensemble take these factors in turn, since both a close look at the best candidates
and a view of all of them are useful."""
FAILURE_DEVIATION = 0.5
"""Standard deviation, in standardised units, of the accuracy that a failure counts as."""
MOST_DEVIATION = 2.0
"""Upper bound of the standard deviation of a sample, in standardised units."""


# Trainings that were stopped early ------------------------------------------------------------


@dataclass(frozen=True)
class ExtrapolatedEnd:
    """The accuracy at the end of a training that was stopped early."""

    top1: float
    """In the unit of the measurements, which is percent for accuracies."""
    deviation: float
    """Standard deviation in the same unit; infinite if no training was completed."""


def accuracies_from(epoch: int, completed: Sequence[Outcome]) -> list[tuple[float, float]]:
    """Return the accuracies of completed trainings at an epoch, each with that at its end."""
    return [
        (line.top1, outcome.curve[-1].top1)
        for outcome in completed
        for line in outcome.curve
        if line.epoch == epoch
    ]


def extrapolated_end(reached: float, pairs: Sequence[tuple[float, float]]) -> ExtrapolatedEnd:
    """Extrapolate a training that was stopped at an accuracy.

    `pairs` are those of `accuracies_from` for its epoch. The prediction is that of a linear
    regression of the ends on the accuracies at the epoch, with a prior of the slope and of the
    residual variance.
    """
    if not pairs:
        return ExtrapolatedEnd(reached, float("inf"))
    then, end = np.array(pairs).T
    apart, behind = then - then.mean(), reached - then.mean()
    weight = PRIOR_TRAININGS * float(np.square([*apart, behind]).mean())
    weight += TINY * float(np.square(then).max()) or TINY
    steady = float(apart @ apart) + weight
    slope = (float(apart @ (end - end.mean())) + SLOPE * weight) / steady
    misses = end - end.mean() - slope * apart
    rise = float(abs(end.mean() - then.mean()))
    prior = max(PRIOR_DEVIATION * rise, LEAST_DEVIATION * float(end.std()))
    variance = float(misses @ misses) + PRIOR_TRAININGS * prior**2
    variance /= len(pairs) + PRIOR_TRAININGS
    variance *= 1 + 1 / len(pairs) + behind**2 / steady
    return ExtrapolatedEnd(float(end.mean()) + slope * behind, sqrt(variance))


# The accuracy ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class AccuracySample:
    """What one outcome says about the accuracy."""

    top1: float | None
    """Measured at the end of the training, or inferred; None if nothing is known."""
    deviation: float | None = 0.0
    """Standard deviation as far as it is known, in the unit of `top1`: that of a share of the
    images if it was measured, that of the extrapolation if it was inferred; None for
    `FAILURE_DEVIATION`."""


@dataclass(frozen=True)
class AccuracyScale:
    """How accuracies are clipped and standardised before a model is fitted to them."""

    center: float
    width: float
    floor: float

    @classmethod
    def of(
        cls, top1: Floats, clipped: float = CLIPPED[0], shift: Floats | float = 0.0
    ) -> "AccuracyScale":
        """Return the scale of observed accuracies less their known part; see `CLIPPED`."""
        median, best = float(np.median(top1)), float(top1.max())
        reach = clipped * (best - median) if best > median else 0.0
        floor = median - reach - 1e-9
        kept = np.maximum(top1, floor) - shift
        return cls(float(kept.mean()), float(kept.std()) or 1.0, floor)

    def standardised(self, top1: Floats, shift: Floats | float = 0.0) -> Floats:
        """Return clipped and standardised accuracies less their known part, in points."""
        return (np.maximum(top1, self.floor) - shift - self.center) / self.width

    def restored(self, numbers: Floats) -> Floats:
        """Return the accuracies of standardised numbers."""
        return self.center + self.width * numbers


def accuracy_samples(
    outcomes: Sequence[Outcome], confirmation: Confirmation | None = None
) -> list[AccuracySample]:
    """Return what each outcome says about the accuracy after a whole training.

    A training that was stopped early is extrapolated; one that failed counts as the worst accuracy
    of the completed ones. With a `confirmation`, the number of images that a top-1 was measured on
    is known, and so is the least noise of a measurement.
    """
    completed = [o for o in outcomes if o.ending in ("completed", "duplicate") and o.curve]
    worst = min((o.curve[-1].top1 for o in completed), default=0.0)
    # Most trainings are stopped at one of a few epochs.
    pairs = cache(lambda epoch: accuracies_from(epoch, completed))
    found = []
    for outcome in outcomes:
        if outcome.ending in FAILED:
            found.append(AccuracySample(worst, None))
        elif outcome.ending == "stopped" and outcome.curve:
            last = outcome.curve[-1]
            end = extrapolated_end(last.top1, pairs(last.epoch))
            found.append(AccuracySample(end.top1, end.deviation))
        else:
            found.append(_measured(outcome.top1, confirmation))
    return found


def _measured(top1: float | None, confirmation: Confirmation | None) -> AccuracySample:
    if top1 is None or confirmation is None:
        return AccuracySample(top1)
    return AccuracySample(top1, float(confirmation.measured_within(np.array(top1))))


@dataclass(frozen=True)
class Evidence:
    """What all outcomes say about the accuracy, as data sets for the members of an ensemble."""

    indices: Sequence[int]
    """The outcomes that say anything: the candidates of the data sets."""
    scales: Sequence[AccuracyScale]
    datasets: Sequence[Dataset]
    slopes: Sequence[Slopes]
    """How much earlier campaigns count for each member. For the last one they never do."""


def evidence_of(
    outcomes: Sequence[Outcome],
    encode: Encode,
    members: int,
    confirmation: Confirmation | None = None,
    clipped: bool = True,
    spreads: Floats = NO_CAMPAIGNS,
) -> Evidence:
    """Return the evidence of outcomes for an ensemble; see `CLIPPED`.

    `spreads` are the standard deviations of the accuracies of earlier campaigns, (campaigns,).
    """
    samples = accuracy_samples(outcomes, confirmation)
    indices = [k for k, sample in enumerate(samples) if sample.top1 is not None]
    known = [samples[k] for k in indices]
    top1 = np.array([sample.top1 for sample in known], dtype=float64)
    factors = CLIPPED if clipped else (inf,)
    inputs = encode(indices)
    warm = Slopes.of(top1, inputs.earlier, spreads)
    slopes = [*(members - 1) * [warm], Slopes.none(len(spreads))]
    shifts = [each.shift(inputs.earlier) for each in slopes]
    spread = top1 if len(indices) else np.array([50.0, 51.0])
    scales = [
        _steadied(AccuracyScale.of(spread, factors[k % len(factors)], shifts[k]), spreads, indices)
        if len(indices)
        else AccuracyScale.of(spread, factors[k % len(factors)])
        for k in range(members)
    ]
    return Evidence(
        indices,
        scales,
        [
            Dataset(inputs, scale.standardised(top1, shift), _noise(known, scale))
            for scale, shift in zip(scales, shifts, strict=True)
        ],
        slopes,
    )


def _steadied(scale: AccuracyScale, spreads: Floats, indices: Sequence[int]) -> AccuracyScale:
    """Return a scale that few outcomes do not make too narrow, if earlier campaigns know better."""
    count = len(indices)
    own = scale.width if count > 1 else 0.0
    prior = UNEXPLAINED * float(spreads.mean()) if len(spreads) else 0.0
    if not prior:
        return scale
    width = sqrt((count * own**2 + PRIOR_TRAININGS * prior**2) / (count + PRIOR_TRAININGS))
    return replace(scale, width=width)


def _noise(known: Sequence[AccuracySample], scale: AccuracyScale) -> Floats:
    """Return the variance of each sample in standardised units."""
    deviations = [
        FAILURE_DEVIATION if sample.deviation is None else sample.deviation / scale.width
        for sample in known
    ]
    return np.square(np.minimum(deviations, MOST_DEVIATION))


# The finals' length --------------------------------------------------------------------------


class LongerTrainings:
    """The candidates that were trained as long as in the finals, and what that gains.

    The floor of a rule must hold in the finals, which usually train longer than the search: judged
    by the search's trainings alone, candidates would be refused that hold in the end.
    """

    def __init__(self, problem: Problem) -> None:
        """Start without any."""
        self._problem = problem
        self.candidates: list[SampledCandidate] = []
        self._top1s: list[float] = []

    def add(self, outcome: Outcome) -> None:
        """Add a training if it was completed."""
        if outcome.ending == "completed" and outcome.top1 is not None:
            found = sampled_candidate(self._problem, outcome.decisions, outcome.seed)
            self.candidates.append(found)
            self._top1s.append(outcome.top1)

    def gain(self, expected: Floats) -> float:
        """Return the points that the finals' length is expected to gain, 0 or more.

        This is the mean excess over what is `expected` of the same networks at the search's length,
        in percent, shrunk towards `USUAL_GAIN`.
        """
        gains = np.array(self._top1s) - expected
        total = float(gains.sum()) + USUAL_GAIN * USUAL_TRAININGS
        return max(total / (len(gains) + USUAL_TRAININGS), 0.0)
