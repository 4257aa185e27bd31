"""Rules that only a training shows: neither the costs nor the accuracy decide them."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy import float64
from numpy.typing import NDArray
from scipy.special import log_ndtr

from gensynth.generators.synthesis.encoding import Dataset, Inputs
from gensynth.generators.synthesis.ensemble import MEMBERS, Ensemble, log_mean


class MeasuredRules:
    """An ensemble for the violation of each rule, all made alike."""

    def __init__(self, unfitted: Callable[[], Ensemble]) -> None:
        """Begin without any; `unfitted` makes an ensemble."""
        self._unfitted = unfitted
        self._ensembles: dict[str, Ensemble] = {}

    def fit(self, violations: Mapping[str, Dataset], steps: int) -> None:
        """Fit each rule's ensemble to its violations."""
        for rule, seen in violations.items():
            self._ensembles[rule] = self._of(rule).fitted([seen] * MEMBERS, steps)

    def log_probability(
        self, violations: Mapping[str, Dataset], asked: Inputs
    ) -> NDArray[float64] | float:
        """Return the logarithm of the probability that all rules hold, (len(asked),)."""
        total: NDArray[float64] | float = 0.0
        for rule, seen in violations.items():
            means, deviations = self._of(rule).conditioned([seen] * MEMBERS).predict(asked)
            total = total + np.asarray(log_mean(log_ndtr(-means / deviations)))
        return total

    def _of(self, rule: str) -> Ensemble:
        return self._ensembles.get(rule) or self._unfitted()
