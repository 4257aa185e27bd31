"""How much the predictions of earlier campaigns count: slopes of a regression with a prior."""

from dataclasses import dataclass
from math import log

import numpy as np
from numpy import float64
from numpy.typing import NDArray

Floats = NDArray[float64]
SLOPE = 1.0
"""Prior sum of the slopes: points here for each point of an earlier campaign."""
PRIOR_TRAININGS = 2.0
"""Number of trainings, as different as those of the earlier campaign, that the prior counts for."""

UNEXPLAINED = 0.3
"""Standard deviation of what a related campaign does not predict, as a share of its own."""
RELATED = 0.9
"""Prior probability that an earlier campaign is related."""


@dataclass(frozen=True)
class Slopes:
    """The part of the accuracy that follows from earlier campaigns, up to a constant."""

    slopes: Floats
    """Of each campaign, (campaigns,), none below 0."""
    origin: Floats
    """Mean prediction for the outcomes so far, (campaigns,)."""

    @classmethod
    def none(cls, campaigns: int) -> "Slopes":
        """Return slopes by which earlier campaigns do not count."""
        return cls(np.zeros(campaigns), np.zeros(campaigns))

    @classmethod
    def of(cls, top1: Floats, earlier: Floats, spreads: Floats) -> "Slopes":
        """Return the slopes of accuracies (n,) on predictions (n, campaigns).

        They are those of a ridge regression around the prior slopes, times what is left of the
        trust in the campaigns. `spreads` (campaigns,) are the standard deviations of the accuracies
        in each campaign.
        """
        count = earlier.shape[1]
        if not count:
            return cls.none(0)
        origin = earlier.mean(axis=0) if len(earlier) else np.zeros(count)
        apart, prior = earlier - origin, np.full(count, SLOPE / count)
        weight = np.diag(PRIOR_TRAININGS * np.square(np.maximum(spreads, 1e-9)))
        ends = top1 - top1.mean() if len(top1) else top1
        found = np.linalg.solve(apart.T @ apart + weight, apart.T @ ends + weight @ prior)
        slopes = np.maximum(found, 0.0)
        rest = ends - apart @ slopes
        return cls(slopes * _trust(ends, rest, float(spreads.mean())), origin)

    def shift(self, earlier: Floats) -> Floats:
        """Return what predictions (n, campaigns) say about accuracies, (n,), in points."""
        return np.asarray((earlier - self.origin) @ self.slopes)


def _trust(ends: Floats, rest: Floats, spread: float) -> float:
    """Return what is left of the trust in earlier campaigns, 0 to 1.

    A search tries what they praise, so that the slope alone cannot refute them: it is how far the
    accuracies scatter. Compared are the densities of the centred accuracies `ends` with the
    deviation of the earlier ones, and of their `rest` with the little that a related campaign does
    not explain.
    """
    count = max(len(ends) - 1, 0)
    width = max(spread, 1e-9)
    unrelated = -float(ends @ ends) / (2 * width**2)
    related = -float(rest @ rest) / (2 * (UNEXPLAINED * width) ** 2) - count * log(UNEXPLAINED)
    odds = np.clip(log(RELATED / (1 - RELATED)) + related - unrelated, -50.0, 50.0)
    return float(min(1 / (1 + np.exp(-odds)) / RELATED, 1.0))
