"""The inquisitor I(G; theta_I): learns from outcomes and assesses candidates.

From its assessments follow the next proposal and the change of theta_G. Its parameters theta_I are
those of ensembles of Gaussian processes: one predicts the accuracy, and one each measured rule that
neither the costs nor the accuracy decide. What is known before training is never learned; it enters
through `Problem.foresee` and `Problem.prospect`.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from math import hypot

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import HasFront, IsConfirmed, Problem, costs_of
from gensynth.generators.synthesis.accuracy_posterior import (
    AccuracyPosterior,
    PredictedAccuracy,
    Predictions,
)
from gensynth.generators.synthesis.acquisition import (
    CandidateAssessments,
    ValueGrid,
    ValueGrids,
    improvement_to_ask_for,
    log_expected_improvement,
    log_probability_feasible,
    over_requirements,
)
from gensynth.generators.synthesis.candidates import SampledCandidate, sampled_candidate
from gensynth.generators.synthesis.encoding import CandidateEncoder, Dataset, Inputs
from gensynth.generators.synthesis.ensemble import MEMBERS, Ensemble, log_mean
from gensynth.generators.synthesis.evidence import (
    Evidence,
    LongerTrainings,
    evidence_of,
    measured_rules,
    violations_of,
)
from gensynth.generators.synthesis.gaussian_process import Prior
from gensynth.generators.synthesis.measured_rules import MeasuredRules
from gensynth.generators.synthesis.probe import Probes, Reactions
from gensynth.generators.synthesis.requirements import Levels, levels, spread

Floats = NDArray[float64]
FIT_EACH = 24
"""Up to this number of outcomes, models are fitted after each; later after 10 % more outcomes."""
STEPS = 30


class Inquisitor:
    """Learns from every outcome of a problem, with uncertainty."""

    def __init__(
        self,
        problem: Problem,
        encoder: CandidateEncoder | None = None,
        prior: Prior | None = None,
    ) -> None:
        """Make an inquisitor that has observed nothing."""
        self.problem, self._prior = problem, prior
        self._confirmation = problem.confirmation if isinstance(problem, IsConfirmed) else None
        self._front_costs = problem.front if isinstance(problem, HasFront) else ()
        self._longer = LongerTrainings(problem)
        self.tried: list[Outcome] = []
        """The outcomes that it learns from."""
        self._candidates: list[SampledCandidate] = []
        """The candidates of `tried`."""
        self._encoder = encoder or CandidateEncoder()
        self._grids = ValueGrids(problem)
        self._predictions = Predictions()
        self._probes = Probes(problem)
        self._accuracy_ensemble: Ensemble | None = None
        self._rules = MeasuredRules(self._unfitted)
        self._fitted = 0
        """Number of outcomes that the ensembles are fitted to."""
        # Computed from the above when they are needed, and forgotten when it changes.
        self._posterior: AccuracyPosterior | None = None
        self._credible: list[Outcome] | None = None

    def observe(self, outcome: Outcome) -> None:
        """Learn from an outcome. Candidates that compute the same function count once."""
        if outcome.ending in ("lost", "infeasible") or self._knows(outcome):
            return
        with suppress(InputError, ConstraintError):  # One that cannot be judged teaches nothing.
            self._candidates.append(
                sampled_candidate(self.problem, outcome.decisions, outcome.seed)
            )
            self.tried.append(outcome)
            self._posterior = self._credible = None

    def probe(self, candidate: SampledCandidate) -> Reactions:
        """Return the reactions of a candidate's untrained network, and remember them."""
        return self._probes.probe(candidate)

    def expect(self, candidate: SampledCandidate, predicted: PredictedAccuracy) -> None:
        """Remember what is expected of a candidate that is proposed.

        Its outcome shows by how much such predictions are too high.
        """
        self._predictions.add(candidate.foresight.fingerprint, predicted)

    def assess(
        self, candidates: Sequence[SampledCandidate], pending: Sequence[SampledCandidate] = ()
    ) -> CandidateAssessments:
        """Assess candidates, supposing that `pending` ones turn out as expected.

        The reactions of candidates that were probed correct their predicted accuracies.
        """
        grid = self._grids.of(candidates, self.tried)
        self._extend([*candidates, *pending])
        self._fit()
        grid = replace(grid, reserve=self.reserve(grid))
        means, deviations = self._predict(candidates, pending)
        lowered = means - self._predictions.optimism(self.tried) * deviations
        members = list(zip(lowered, deviations, strict=True))
        rules = self._rules.log_probability(self._measured(), self._encoder.encode(candidates))
        feasible = log_mean(np.array([log_probability_feasible(grid, *m) for m in members]))
        found = self._levels(grid, candidates)
        # Before any candidate is feasible, a feasible one is worth more than a good one.
        acquisition = feasible
        if self.credible():
            wanted = improvement_to_ask_for(self.tried, self._costs_of(self.tried))
            acquisition = over_requirements(wanted, grid, members, found.best, found)
        return CandidateAssessments(
            acquisition=acquisition + rules,
            preference=rules
            + over_requirements(log_expected_improvement, grid, members, found.median, found),
            value=grid.value_at(lowered.mean(axis=0)),
            chance=np.exp(rules + feasible),
            mean=means.mean(axis=0),
            deviation=deviations.mean(axis=0),
        )

    def distances(
        self, candidates: Sequence[SampledCandidate], taken: Sequence[SampledCandidate]
    ) -> Floats:
        """Return each candidate's distance to the nearest of `taken`, as the kernel sees it."""
        self._extend([*candidates, *taken])
        process = self._accuracy().first
        place, others = (
            process.positions(self._encoder.encode(some)) for some in (candidates, taken)
        )
        squares = ((place[:, None] - others[None]) ** 2).sum(axis=2)
        return np.asarray(np.sqrt(squares.min(axis=1)))

    def credible(self) -> list[Outcome]:
        """Return the feasible outcomes without those that are feasible by luck.

        A training near the least accuracy allowed is feasible by chance once in a few times. If the
        posterior mean is too low, it would fail when it is trained again, and an improvement over
        it is worth nothing.
        """
        self._extend([])
        if self._credible is None:
            pairs = zip(self._candidates, self.tried, strict=True)
            found = [(candidate, o) for candidate, o in pairs if o.value is not None]
            holds = self._is_accurate([candidate for candidate, _ in found])
            self._credible = [o for (_, o), sure in zip(found, holds, strict=True) if sure]
        return self._credible

    def best_values(self, candidates: Sequence[SampledCandidate]) -> Floats:
        """Return the value that each candidate would have at the highest supposed accuracy."""
        return self._grids.of(candidates, self.tried).value[:, -1]

    # What will hold when it is confirmed ------------------------------------------------------

    def observe_longer(self, outcome: Outcome) -> None:
        """Learn what a training of the finals' length gains over the search's."""
        self._longer.add(outcome)

    def gain(self) -> float:
        """Return the expected gain in points of a training of the finals' length, 0 or more."""
        candidates = self._longer.candidates
        if self._confirmation is None or not self._confirmation.longer:
            return 0.0
        if not candidates or not self.tried:
            return self._longer.gain(np.zeros(0))
        self._extend(candidates)
        self._fit()
        means, _ = self._accuracy_posterior().predict(self._encoder.encode(candidates))
        return self._longer.gain(means.mean(axis=0))

    def noise(self, top1: float) -> float:
        """Return the standard deviation in points of a training that ends near `top1` percent."""
        learned = self._accuracy_posterior().noise()
        if self._confirmation is None:
            return learned
        return hypot(learned, float(self._confirmation.measured_within(np.array(top1))))

    def reserve(self, grid: ValueGrid) -> float:
        """Return how many points the finals' bound lies below their mean, less the gain."""
        if self._confirmation is None or not grid.holds.any() or grid.holds[:, 0].all():
            return 0.0
        noise = self.noise(float(np.median(grid.least)))
        return max(self._confirmation.reserve(noise) - self.gain(), 0.0)

    # Learning --------------------------------------------------------------------------------

    def _knows(self, outcome: Outcome) -> bool:
        return any(
            o.fingerprint == outcome.fingerprint and o.ending == "completed" for o in self.tried
        )

    def _extend(self, candidates: Iterable[SampledCandidate]) -> None:
        """Extend the encoding by the decisions of all candidates; if it changes, start anew."""
        if self._encoder.extend([*self._candidates, *candidates]):
            self._accuracy_ensemble, self._fitted = None, 0
            self._rules = MeasuredRules(self._unfitted)
            self._posterior = self._credible = None

    def _unfitted(self) -> Ensemble:
        encoding, features = self._encoder.encoding, self._encoder.features
        return Ensemble.make(encoding, features, prior=self._prior)

    def _accuracy(self) -> Ensemble:
        """Return the ensemble that predicts the accuracy."""
        if self._accuracy_ensemble is None:
            self._accuracy_ensemble = self._unfitted()
        return self._accuracy_ensemble

    def _fit(self) -> None:
        """Fit the ensembles if enough outcomes were observed since they were fitted."""
        count = len(self._candidates)
        few = count > FIT_EACH and count < 1.1 * self._fitted
        if count < 2 or few or count == self._fitted:
            return
        self._fitted, self._credible = count, None
        evidence = self._evidence()
        self._accuracy_ensemble = self._accuracy().fitted(evidence.datasets, STEPS)
        self._posterior = AccuracyPosterior.of(self._accuracy_ensemble, evidence)
        self._rules.fit(self._measured(), STEPS)

    def _evidence(self) -> Evidence:
        clipped = not self._front_costs  # On a front, the accuracies of cheap networks count.
        return evidence_of(self.tried, self._encode_tried, MEMBERS, self._confirmation, clipped)

    def _encode_tried(self, indices: Sequence[int]) -> Inputs:
        return self._encoder.encode([self._candidates[k] for k in indices])

    # Predicting ------------------------------------------------------------------------------

    def _accuracy_posterior(self) -> AccuracyPosterior:
        if self._posterior is None:
            self._posterior = AccuracyPosterior.of(self._accuracy(), self._evidence())
        return self._posterior

    def _predict(
        self, candidates: Sequence[SampledCandidate], pending: Sequence[SampledCandidate]
    ) -> tuple[Floats, Floats]:
        """Return means and deviations of the accuracy in percent, each (members, candidates)."""
        posterior = self._accuracy_posterior()
        trained = [self._candidates[k] for k in posterior.evidence.indices]
        shift = self._probes.shift(trained, posterior.residuals, candidates)
        if pending and posterior.evidence.indices:
            posterior = posterior.given(self._encoder.encode(pending))
        return posterior.predict(self._encoder.encode(candidates), shift)

    def _is_accurate(self, candidates: Sequence[SampledCandidate]) -> NDArray[np.bool_]:
        """Whether the rules hold at the posterior mean of each of the candidates."""
        if not candidates:
            return np.zeros(0, dtype=bool)
        means, _ = self._accuracy_posterior().predict(self._encoder.encode(candidates))
        return np.asarray(means.mean(axis=0) >= self._grids.of(candidates, self.tried).least)

    # The front -------------------------------------------------------------------------------

    def front(self, count: int) -> list[Outcome]:
        """Return up to `count` credible outcomes that are the best for most requirements."""
        found = self.credible()
        values = np.array([o.value for o in found], dtype=float64)
        return [found[k] for k in spread(self._costs_of(found), values, count)]

    def _levels(self, grid: ValueGrid, candidates: Sequence[SampledCandidate]) -> Levels:
        """Return what was found within requirements; that of a rule's least value if nothing."""
        found = self.credible()
        values = np.array([o.value for o in found], dtype=float64)
        asked = costs_of([c.foresight for c in candidates], self._front_costs)
        least = float(values.min()) if len(values) else grid.least_value()
        return levels(self._costs_of(found), values, asked, least)

    def _costs_of(self, outcomes: Sequence[Outcome]) -> Floats:
        known = {id(o): c for o, c in zip(self.tried, self._candidates, strict=True)}
        return costs_of([known[id(o)].foresight for o in outcomes], self._front_costs)

    # Rules that only a training shows --------------------------------------------------------

    def _measured(self) -> dict[str, Dataset]:
        """Return the violations of the enforced rules that neither costs nor accuracy decide."""
        foreseen = {name for c in self._candidates for name in c.foresight.violations}
        names = measured_rules(self.tried, foreseen | self._grids.decided)
        return {name: violations_of(name, self.tried, self._encode_tried) for name in names}
