"""Rules that only a training shows: neither the costs nor the accuracy decide them."""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from numpy import float64
from numpy.typing import NDArray
from scipy.special import log_ndtr

from gensynth.evaluation.outcome import Outcome
from gensynth.generators.synthesis.encoding import Dataset, Inputs
from gensynth.generators.synthesis.ensemble import MEMBERS, Ensemble, log_mean
from gensynth.generators.synthesis.evidence import Encode


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


def measured_rules(outcomes: Sequence[Outcome], known: Collection[str]) -> tuple[str, ...]:
    """Return the enforced rules that were judged, except those `known` to follow from others."""
    judged = {
        judgement.constraint
        for outcome in outcomes
        for judgement in outcome.judgements
        if judgement.mode == "enforce" and judgement.violation is not None
    }
    return tuple(sorted(judged.difference(known)))


def violations_of(rule: str, outcomes: Sequence[Outcome], encode: Encode) -> Dataset:
    """Return the violations of a rule as a data set, as log(1 + violation): 0 just holds."""
    pairs = [
        (index, judgement.violation)
        for index, outcome in enumerate(outcomes)
        for judgement in outcome.judgements
        if judgement.constraint == rule and judgement.violation is not None
    ]
    values = np.log1p(np.maximum([violation for _, violation in pairs], -0.99))
    # Divided by the deviation without subtracting the mean, so that the limit stays at 0.
    spread = float(values.std()) + 1e-9
    return Dataset(encode([index for index, _ in pairs]), values / spread, np.zeros(len(values)))
