"""What the inquisitor expects of candidates."""

from dataclasses import dataclass

from numpy import float64
from numpy.typing import NDArray

from gensynth.generators.synthesis.accuracy_posterior import PredictedAccuracy

Floats = NDArray[float64]


@dataclass(frozen=True)
class Assessment:
    """What I expects of candidates; each array has the shape (candidates,)."""

    acquisition: Floats
    """Logarithm of the acquisition function, rules included: the higher, the sooner to propose."""
    preference: Floats
    """Logarithm of the expected improvement over the median: what G should generate more of."""
    value: Floats
    """Expected pursued value, supposing that all rules hold."""
    chance: Floats
    """Probability that every enforced rule holds, 1_r."""
    mean: Floats
    """Posterior mean of the accuracy in percent, before the correction for optimism."""
    deviation: Floats
    """Posterior standard deviation of the accuracy in percent."""

    def accuracy(self, index: int) -> PredictedAccuracy:
        """Return the predicted accuracy of one candidate."""
        return PredictedAccuracy(float(self.mean[index]), float(self.deviation[index]))
