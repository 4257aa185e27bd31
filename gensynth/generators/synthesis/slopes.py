"""How much the predictions of earlier campaigns count: slopes of a regression with a prior."""

from dataclasses import dataclass

import numpy as np
from numpy import float64
from numpy.typing import NDArray

Floats = NDArray[float64]
SLOPE = 1.0
"""Prior sum of the slopes: points here for each point of an earlier campaign."""
PRIOR_TRAININGS = 2.0
"""Number of trainings, as different as those of the earlier campaign, that the prior counts for."""


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

        They are those of a ridge regression around the prior slopes. `spreads` (campaigns,) are the
        standard deviations of the accuracies in each campaign.
        """
        count = earlier.shape[1]
        if not count:
            return cls.none(0)
        origin = earlier.mean(axis=0) if len(earlier) else np.zeros(count)
        apart, prior = earlier - origin, np.full(count, SLOPE / count)
        weight = np.diag(PRIOR_TRAININGS * np.square(np.maximum(spreads, 1e-9)))
        ends = top1 - top1.mean() if len(top1) else top1
        found = np.linalg.solve(apart.T @ apart + weight, apart.T @ ends + weight @ prior)
        return cls(np.maximum(found, 0.0), origin)

    def shift(self, earlier: Floats) -> Floats:
        """Return what predictions (n, campaigns) say about accuracies, (n,), in points."""
        return np.asarray((earlier - self.origin) @ self.slopes)
