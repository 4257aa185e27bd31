"""The posterior of the accuracy: a prediction for every candidate, given all outcomes.

The best of many predictions is likely to be one that errs upwards (the winner's curse): of all
candidates that are assessed, those are proposed of which too much is expected. `Predictions` shows
by how much.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.evaluation.outcome import Outcome
from gensynth.generators.synthesis.encoding import Inputs
from gensynth.generators.synthesis.ensemble import Ensemble, EnsemblePosterior
from gensynth.generators.synthesis.evidence import Evidence

Floats = NDArray[float64]
NO_ERRORS = 4
"""Predictions without an error that are added to the observed ones."""
FARTHEST_ERROR = 3.0
"""Bound of an error in standard deviations: one failure says little about other predictions."""


@dataclass(frozen=True)
class AccuracyPosterior:
    """The accuracy as an ensemble of Gaussian processes predicts it from the evidence."""

    evidence: Evidence
    members: EnsemblePosterior

    @classmethod
    def of(cls, ensemble: Ensemble, evidence: Evidence) -> "AccuracyPosterior":
        """Condition an ensemble on the evidence."""
        return cls(evidence, ensemble.conditioned(evidence.datasets))

    def given(self, pending: Inputs) -> "AccuracyPosterior":
        """Return the posterior given that pending candidates turn out as expected."""
        return AccuracyPosterior(self.evidence, self.members.joined(pending))

    def predict(self, asked: Inputs, shift: Floats | float = 0.0) -> tuple[Floats, Floats]:
        """Return posterior means and standard deviations in percent, each (members, len(asked)).

        `shift` is added to the means in standardised units, (len(asked),).
        """
        means, deviations = self.members.predict(asked)
        widths = np.array([scale.width for scale in self.evidence.scales])
        known = (slopes.shift(asked.earlier) for slopes in self.evidence.slopes)
        members = zip(self.evidence.scales, means + shift, known, strict=True)
        restored = np.array([scale.restored(mean) + part for scale, mean, part in members])
        return restored, deviations * widths[:, None]

    def noise(self) -> float:
        """Return the learned standard deviation of one training in points: the members' mean.

        What is known of the noise of a measurement comes on top of it.
        """
        pairs = zip(self.members.members, self.evidence.scales, strict=True)
        return float(np.mean([member.noise * scale.width for member, scale in pairs]))

    def residuals(self) -> Floats:
        """Return the leave-one-out residuals of the first member, in standardised units.

        They are in the order of `evidence.indices`.
        """
        return self.members.members[0].left_out()


@dataclass(frozen=True)
class PredictedAccuracy:
    """Posterior mean and standard deviation of one candidate's accuracy, in percent."""

    mean: float
    deviation: float


@dataclass
class Predictions:
    """What was predicted of proposals, to be compared with their outcomes."""

    _made: dict[str, PredictedAccuracy] = field(default_factory=dict)

    def add(self, fingerprint: str, predicted: PredictedAccuracy) -> None:
        """Remember the prediction for a proposal."""
        self._made[fingerprint] = predicted

    def optimism(self, outcomes: Iterable[Outcome]) -> float:
        """Return the mean excess of predictions in standard deviations, shrunk towards 0.

        It is at least 0 and below `FARTHEST_ERROR`. Only completed trainings count.
        """
        errors = [
            (self._made[outcome.fingerprint], outcome.top1)
            for outcome in outcomes
            if outcome.fingerprint in self._made and outcome.ending == "completed"
        ]
        excesses = [(p.mean - top1) / p.deviation for p, top1 in errors if top1 is not None]
        kept = [min(max(excess, -FARTHEST_ERROR), FARTHEST_ERROR) for excess in excesses]
        return max(sum(kept) / (len(kept) + NO_ERRORS), 0.0)
