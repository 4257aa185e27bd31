"""The accuracy of candidates as it is learned from outcomes: theta_I, as far as it predicts."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import Confirmation, EarlierCampaign, Problem
from gensynth.generators.synthesis.accuracy_posterior import AccuracyPosterior
from gensynth.generators.synthesis.candidates import SampledCandidate, sampled_candidate
from gensynth.generators.synthesis.encoding import CandidateEncoder, Inputs
from gensynth.generators.synthesis.ensemble import MEMBERS, Ensemble
from gensynth.generators.synthesis.evidence import Evidence, evidence_of
from gensynth.generators.synthesis.gaussian_process import Prior

Floats = NDArray[float64]
FIT_EACH = 24
"""Up to this number of outcomes, models are fitted after each; later after 10 % more outcomes."""
STEPS = 30


class LearnedAccuracy:
    """Predicts the accuracy of a problem's candidates from the outcomes that it has observed."""

    def __init__(
        self,
        problem: Problem,
        encoder: CandidateEncoder | None = None,
        prior: Prior | None = None,
        confirmation: Confirmation | None = None,
        clipped: bool = True,
    ) -> None:
        """Observe nothing yet.

        Args:
            problem: whose candidates are predicted.
            encoder: of the candidates.
            prior: of the kernels' parameters.
            confirmation: how many images the accuracy is measured on, as far as it is known.
            clipped: whether low accuracies are clipped; see `evidence.CLIPPED`.
        """
        self.problem, self._prior = problem, prior
        self.tried: list[Outcome] = []
        """The outcomes that it learns from."""
        self._candidates: list[SampledCandidate] = []
        """The candidates of `tried`."""
        self._encoder = encoder or CandidateEncoder()
        self._confirmation, self._clipped = confirmation, clipped
        self._fitted = 0
        """Number of outcomes that the ensembles are fitted to."""
        # Computed from the above when they are needed, and forgotten when it changes.
        self._accuracy_ensemble: Ensemble | None = None
        self._posterior: AccuracyPosterior | None = None

    def observe(self, outcome: Outcome) -> None:
        """Learn from an outcome. Candidates that compute the same function count once."""
        if outcome.ending in ("lost", "infeasible") or self._knows(outcome):
            return
        with suppress(InputError, ConstraintError):  # One that cannot be judged teaches nothing.
            self._candidates.append(
                sampled_candidate(self.problem, outcome.decisions, outcome.seed)
            )
            self.tried.append(outcome)
            self._forget()

    @property
    def spread(self) -> float:
        """Standard deviation of the measured accuracies."""
        measured = [outcome.top1 for outcome in self.tried if outcome.top1 is not None]
        return float(np.std(measured)) if measured else 0.0

    def forecast(self, candidates: Sequence[SampledCandidate]) -> Floats:
        """Return the posterior mean of each candidate's accuracy, in the unit of measurements."""
        self.extend(candidates)
        self._fit()
        means, _ = self._accuracy_posterior().predict(self._encoder.encode(candidates))
        return np.asarray(means.mean(axis=0))

    def _knows(self, outcome: Outcome) -> bool:
        return any(
            o.fingerprint == outcome.fingerprint and o.ending == "completed" for o in self.tried
        )

    def _forget(self) -> None:
        """Forget what was computed from the outcomes so far."""
        self._posterior = None

    def extend(self, candidates: Iterable[SampledCandidate]) -> bool:
        """Extend the encoding by the decisions of all candidates; if it changes, start anew."""
        changed = self._encoder.extend([*self._candidates, *candidates])
        if changed:
            self._accuracy_ensemble, self._fitted = None, 0
            self._forget()
        return changed

    def _unfitted(self) -> Ensemble:
        encoding, features = self._encoder.encoding, self._encoder.features
        return Ensemble.make(encoding, features, prior=self._prior)

    def _accuracy(self) -> Ensemble:
        """Return the ensemble that predicts the accuracy."""
        if self._accuracy_ensemble is None:
            self._accuracy_ensemble = self._unfitted()
        return self._accuracy_ensemble

    def _fit(self) -> bool:
        """Fit the ensemble if enough outcomes were observed since it was fitted; return whether."""
        count = len(self._candidates)
        few = count > FIT_EACH and count < 1.1 * self._fitted
        if count < 2 or few or count == self._fitted:
            return False
        self._fitted = count
        self._forget()
        evidence = self._evidence()
        self._accuracy_ensemble = self._accuracy().fitted(evidence.datasets, STEPS)
        self._posterior = AccuracyPosterior.of(self._accuracy_ensemble, evidence)
        return True

    def _evidence(self) -> Evidence:
        known = self._confirmation, self._clipped, self._encoder.spreads
        return evidence_of(self.tried, self._encode_tried, MEMBERS, *known)

    def _encode_tried(self, indices: Sequence[int]) -> Inputs:
        return self._encoder.encode([self._candidates[k] for k in indices])

    def _accuracy_posterior(self) -> AccuracyPosterior:
        if self._posterior is None:
            self._posterior = AccuracyPosterior.of(self._accuracy(), self._evidence())
        return self._posterior


def learned_from(problem: Problem, earlier: EarlierCampaign) -> LearnedAccuracy:
    """Return what an earlier campaign teaches about the candidates of a problem."""
    learned = LearnedAccuracy(problem)
    for outcome in earlier.outcomes:
        learned.observe(outcome)
    return learned
