"""The inquisitor I(G; theta_I): learns from outcomes and assesses candidates.

From its assessments follow the next proposal and the change of theta_G. Its parameters theta_I are
those of ensembles of Gaussian processes: one predicts the accuracy, and one each measured rule that
neither the costs nor the accuracy decide. What is known before training is never learned; it enters
through `Problem.foresee` and `Problem.prospect`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import hypot

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import HasEarlier, HasFront, IsConfirmed, Problem, costs_of
from gensynth.generators.synthesis.accuracy_posterior import (
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
from gensynth.generators.synthesis.candidates import SampledCandidate
from gensynth.generators.synthesis.encoding import CandidateEncoder, Dataset
from gensynth.generators.synthesis.ensemble import log_mean
from gensynth.generators.synthesis.evidence import LongerTrainings
from gensynth.generators.synthesis.gaussian_process import Prior
from gensynth.generators.synthesis.learned_accuracy import STEPS, LearnedAccuracy, learned_from
from gensynth.generators.synthesis.measured_rules import (
    MeasuredRules,
    measured_rules,
    violations_of,
)
from gensynth.generators.synthesis.probe import Probes, Reactions
from gensynth.generators.synthesis.requirements import Levels, levels, spread

Floats = NDArray[float64]


class Inquisitor(LearnedAccuracy):
    """Learns from every outcome of a problem, with uncertainty."""

    def __init__(
        self,
        problem: Problem,
        encoder: CandidateEncoder | None = None,
        prior: Prior | None = None,
    ) -> None:
        """Make an inquisitor that has observed nothing; it knows what earlier campaigns teach."""
        earlier = problem.earlier if isinstance(problem, HasEarlier) else ()
        encoder = encoder or CandidateEncoder(forecasts=[learned_from(problem, e) for e in earlier])
        self._front_costs = problem.front if isinstance(problem, HasFront) else ()
        confirmation = problem.confirmation if isinstance(problem, IsConfirmed) else None
        # On a front, the accuracies of cheap networks count.
        super().__init__(problem, encoder, prior, confirmation, clipped=not self._front_costs)
        self._longer = LongerTrainings(problem)
        self._grids = ValueGrids(problem)
        self._predictions = Predictions()
        self._probes = Probes(problem)
        self._rules = MeasuredRules(self._unfitted)
        self._credible: list[Outcome] | None = None
        """Computed when it is needed, and forgotten when something is learned."""

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
        self.extend([*candidates, *pending])
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
        self.extend([*candidates, *taken])
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
        self.extend([])
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
        return self._longer.gain(self.forecast(candidates))

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

    def _forget(self) -> None:
        super()._forget()
        self._credible = None

    def extend(self, candidates: Iterable[SampledCandidate]) -> bool:
        """Extend the encoding by the decisions of all candidates; if it changes, start anew."""
        changed = super().extend(candidates)
        if changed:
            self._rules = MeasuredRules(self._unfitted)
        return changed

    def _fit(self) -> bool:
        fitted = super()._fit()
        if fitted:
            self._rules.fit(self._measured(), STEPS)
        return fitted

    # Predicting ------------------------------------------------------------------------------

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
