"""The inquisitor I(G; theta_I): learns from outcomes, judges drafts, and says how G should change.

Its parameters theta_I are those of ensembles of Gaussian processes: one predicts the accuracy, one
more each measured rule that neither the costs nor the accuracy decide. What is known before
training is never learned; it enters through `Problem.foresee` and `Problem.prospect`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy import float64
from numpy.typing import NDArray
from scipy.special import log_ndtr

from gensynth.errors import InputError
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import Problem
from gensynth.generators.synthesis.bets import Bets
from gensynth.generators.synthesis.draft import Draft, draft_of
from gensynth.generators.synthesis.ensemble import MEMBERS, Ensemble, log_mean
from gensynth.generators.synthesis.evidence import Evidence, evidence_of
from gensynth.generators.synthesis.lesson import Lesson
from gensynth.generators.synthesis.merit import (
    Outlook,
    averaged,
    log_chance,
    log_chance_of_improvement,
    log_improvement,
    value_at,
)
from gensynth.generators.synthesis.outlooks import Outlooks
from gensynth.generators.synthesis.reactions import Reactions, correction
from gensynth.generators.synthesis.reader import Reader
from gensynth.generators.synthesis.surrogate import Prior

Floats = NDArray[float64]
OFTEN = 24
"""Up to so many outcomes, everything is fitted again after each; later after one in ten more."""
STEPS = 30
PATIENCE = 8
"""Outcomes without a better one after which every second proposal is the likeliest to be any
better at all: big gains at small chances otherwise take all proposals."""


@dataclass(frozen=True)
class Opinion:
    """What I thinks of drafts, each of shape (drafts,)."""

    merit: Floats
    """Logarithm of the expected improvement over the best, rules included: what to try next."""
    worth: Floats
    """The same over a mediocre candidate: what G should generate more of."""
    value: Floats
    """Expected pursued value, supposing that all rules hold."""
    chance: Floats
    """Probability that every enforced rule holds, 1_r."""


class Inquisitor:
    """Learns from every outcome of a problem, with uncertainty."""

    def __init__(
        self, problem: Problem, reader: Reader | None = None, prior: Prior | None = None
    ) -> None:
        """Begin knowing nothing but the problem."""
        self.problem, self._prior = problem, prior
        self.tried: list[Outcome] = []
        self.reactions: dict[str, Reactions] = {}
        self._drafts: list[Draft] = []
        self._models: dict[str, Ensemble] = {}
        self._fitted = 0
        self._reader = reader or Reader()
        self._outlooks = Outlooks(problem)
        self._bets = Bets()
        self._predicted: dict[str, tuple[float, float]] = {}
        self._evidence: Evidence | None = None
        self._borne_out: list[Outcome] | None = None

    def observe(self, outcome: Outcome) -> None:
        """Take an outcome as evidence; one function counts once."""
        if outcome.ending in ("lost", "infeasible") or self._knows(outcome):
            return
        try:
            self._drafts.append(draft_of(self.problem, outcome.decisions, outcome.seed))
        except InputError:
            return
        self.tried.append(outcome)
        self._evidence = self._borne_out = None

    def best(self) -> float | None:
        """Give the best pursued value so far."""
        return max((o.value for o in self.tried if o.value is not None), default=None)

    def probe(self, draft: Draft) -> None:
        """Stimulate the untrained network of a draft and keep its reactions."""
        if draft.foresight.fingerprint in self.reactions:
            return
        try:
            reactions = self.problem.probe(draft.decisions)
        except (RuntimeError, ValueError):  # A network that cannot be stimulated says nothing.
            reactions = {}
        self.reactions[draft.foresight.fingerprint] = reactions

    def bet(self, draft: Draft) -> None:
        """Remember what was expected of a draft, as it was last judged: it is proposed."""
        name = draft.foresight.fingerprint
        self._bets.place(name, *self._predicted[name])

    def judge(self, drafts: Sequence[Draft], pending: Sequence[Draft]) -> Opinion:
        """Judge drafts, supposing that `pending` ones turn out as expected.

        Where drafts were probed, what their reactions tell corrects the predicted accuracy.
        """
        self._meet([*drafts, *pending])
        self._fit()
        means, deviations = self._accuracy(drafts, pending)
        self._note(drafts, means, deviations)
        means = means - self._bets.optimism(self.tried) * deviations
        outlook = self._outlooks.of(drafts, self.tried)
        rules = self._log_chance_of_margins(drafts)
        lowest = self._least(outlook)
        feasible = [o.value for o in self.borne_out() if o.value is not None]
        best = max(feasible, default=lowest)
        ordinary = min(float(np.median(feasible)), best) if feasible else lowest
        members = list(zip(means, deviations, strict=True))
        chance = log_mean(np.array([log_chance(outlook, *member) for member in members]))
        # Before anything feasible is known, the first one is worth more than how good it is.
        wanted = log_chance_of_improvement if self._looks_close() else log_improvement
        gain = averaged(wanted, outlook, members, best) if feasible else chance
        return Opinion(
            merit=gain + rules,
            worth=averaged(log_improvement, outlook, members, min(ordinary, best)) + rules,
            value=value_at(outlook, means.mean(axis=0)),
            chance=np.exp(rules + chance),
        )

    def spread(self, drafts: Sequence[Draft], taken: Sequence[Draft]) -> Floats:
        """Give each draft's distance to the nearest of `taken`, as the kernel sees it."""
        self._meet([*drafts, *taken])
        model = self._model("top1").first
        place, others = (
            model.positions(self._reader.inputs(some), model.parameters) for some in (drafts, taken)
        )
        squares = ((place[:, None] - others[None]) ** 2).sum(axis=2)
        return np.asarray(np.sqrt(squares.min(axis=1)))

    def borne_out(self) -> list[Outcome]:
        """Give the feasible outcomes, without those that luck alone made feasible.

        A training near the least accuracy allowed is feasible by chance once in a few times. What
        all other evidence calls too inaccurate would fail when it is trained again, and nothing
        is gained by being better than that.
        """
        if self._borne_out is None:
            pairs = zip(self._drafts, self.tried, strict=True)
            found = [(draft, outcome) for draft, outcome in pairs if outcome.value is not None]
            holds = self._believed([draft for draft, _ in found])
            self._borne_out = [o for (_, o), sure in zip(found, holds, strict=True) if sure]
        return self._borne_out

    def promise(self, drafts: Sequence[Draft]) -> Floats:
        """Give the value that drafts would have at the highest accuracy supposed."""
        return self._outlooks.of(drafts, self.tried).value[:, -1]

    # Learning --------------------------------------------------------------------------------

    def _knows(self, outcome: Outcome) -> bool:
        return any(
            o.fingerprint == outcome.fingerprint and o.ending == "completed" for o in self.tried
        )

    def _meet(self, drafts: Iterable[Draft]) -> None:
        if self._reader.meet([*self._drafts, *drafts]):
            self._models, self._fitted = {}, 0
            self._evidence = self._borne_out = None

    def _model(self, name: str) -> Ensemble:
        if name not in self._models:
            reader = self._reader
            self._models[name] = Ensemble.make(reader.encoding, reader.features, prior=self._prior)
        return self._models[name]

    def _fit(self) -> None:
        count = len(self._drafts)
        if count < 2 or (count > OFTEN and count < 1.1 * self._fitted) or count == self._fitted:
            return
        self._fitted, self._borne_out = count, None
        lessons = {"top1": self._known().lessons}
        lessons |= {rule: [self._violations(rule)] * MEMBERS for rule in self._margins()}
        for name, wanted in lessons.items():
            self._models[name] = self._model(name).fitted(wanted, STEPS)

    def _known(self) -> Evidence:
        """Give what the outcomes say of the accuracy, put together once after each of them."""
        if self._evidence is None:
            self._evidence = evidence_of(
                self.tried, lambda told: self._reader.inputs([self._drafts[k] for k in told])
            )
        return self._evidence

    def _violations(self, rule: str) -> Lesson:
        pairs = [
            (draft, judgement.violation)
            for draft, outcome in zip(self._drafts, self.tried, strict=True)
            for judgement in outcome.judgements
            if judgement.constraint == rule and judgement.violation is not None
        ]
        values = np.log1p(np.maximum([violation for _, violation in pairs], -0.99))
        spread = float(values.std()) + 1e-9
        # Standardised by the spread alone, around the limit: zero still means "just holds".
        inputs = self._reader.inputs([d for d, _ in pairs])
        return Lesson(inputs, values / spread, np.zeros(len(values)))

    def _margins(self) -> tuple[str, ...]:
        """Name the enforced rules that must be measured: no cost and no accuracy decides them."""
        judged = {
            j.constraint
            for outcome in self.tried
            for j in outcome.judgements
            if j.mode == "enforce" and j.violation is not None
        }
        foreseen = {name for draft in self._drafts for name in draft.foresight.violations}
        return tuple(sorted(judged - foreseen - self._outlooks.decided))

    def _looks_close(self) -> bool:
        """Say whether this proposal is for the likeliest improvement instead of the greatest."""
        values = [-np.inf if o.value is None else o.value for o in self.tried]
        since = len(values) - 1 - int(np.argmax(values)) if values else 0
        return since >= PATIENCE and since % 2 == 0

    # Judging ---------------------------------------------------------------------------------

    def _accuracy(self, drafts: Sequence[Draft], pending: Sequence[Draft]) -> tuple[Floats, Floats]:
        """Predict the accuracy of drafts: means and deviations in percent, (members, drafts)."""
        model, known = self._model("top1"), self._known()
        lessons = known.lessons
        if pending and len(lessons[0]):
            waiting = self._reader.inputs(pending)
            believed, _ = model.predict(lessons, waiting)
            pairs = zip(lessons, believed, strict=True)
            lessons = [lesson.joined(waiting, targets) for lesson, targets in pairs]
        means, deviations = model.predict(lessons, self._reader.inputs(drafts))
        widths = np.array([scale.width for scale in known.scales])
        return known.restored(means + self._heard(drafts)), deviations * widths[:, None]

    def _believed(self, drafts: Sequence[Draft]) -> NDArray[np.bool_]:
        """Say which of the drafts, tried before, keep the rules by the evidence of all."""
        if not drafts:
            return np.zeros(0, dtype=bool)
        known = self._known()
        means, _ = self._model("top1").predict(known.lessons, self._reader.inputs(drafts))
        least = self._outlooks.of(drafts, self.tried).least
        return np.asarray(known.restored(means).mean(axis=0) >= least)

    def _note(self, drafts: Sequence[Draft], means: Floats, deviations: Floats) -> None:
        names = [draft.foresight.fingerprint for draft in drafts]
        figures = zip(means.mean(axis=0).tolist(), deviations.mean(axis=0).tolist(), strict=True)
        self._predicted = dict(zip(names, figures, strict=True))

    def _heard(self, drafts: Sequence[Draft]) -> Floats:
        """Say how far the reactions of drafts move their accuracies, in standardised units."""
        known = self._known()
        heard = [self.reactions.get(draft.foresight.fingerprint, {}) for draft in drafts]
        trained = [self._drafts[k] for k in known.told]
        before = [self.reactions.get(draft.foresight.fingerprint, {}) for draft in trained]
        both = [index for index, reactions in enumerate(before) if reactions]
        if not both or not any(heard):
            return np.zeros(len(drafts))
        errors = self._model("top1").first.left_out(known.lessons[0])
        moves = np.zeros(len(drafts))
        asked = [index for index, reactions in enumerate(heard) if reactions]
        told, wanted = [before[k] for k in both], [heard[k] for k in asked]
        moves[asked] = correction(told, errors[both], wanted)
        return moves

    def _least(self, outlook: Outlook) -> float:
        """Give the least value that any draft has where its rules just hold."""
        held = np.where(outlook.holds, outlook.value, np.inf).min(axis=1)
        finite = held[np.isfinite(held)]
        return float(finite.min()) - 1e-6 if len(finite) else float(outlook.value.min())

    def _log_chance_of_margins(self, drafts: Sequence[Draft]) -> Floats:
        """Give the logarithm of the chance that the rules hold which only a training shows."""
        total, asked = np.zeros(len(drafts)), self._reader.inputs(drafts)
        for rule in self._margins():
            model = self._model(rule)
            means, deviations = model.predict([self._violations(rule)] * MEMBERS, asked)
            total += log_mean(log_ndtr(-means / deviations))
        return total
