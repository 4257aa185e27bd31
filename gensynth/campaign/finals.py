"""Choosing the winner without being misled by luck.

The best of many noisy trainings looks better than it is. So the best few candidates are trained
again with fresh seeds, and the enforced rules must hold on a lower bound of their accuracy.

The finals are a race. A finalist's trainings end as soon as no further ones could make the rules
hold on the bound: that decides as all trainings would, without an error. Once another finalist has
been confirmed, one whose chance to beat it is not worth its trainings is passed over.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from statistics import fmean

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.campaign.beliefs import Beliefs
from gensynth.campaign.context import Context
from gensynth.campaign.experiment_tables import Finals, Front
from gensynth.evaluation.confidence import lower_bound, reachable_bound
from gensynth.evaluation.evaluator import CandidateEvaluation
from gensynth.evaluation.outcome import Outcome, Purpose
from gensynth.evaluation.score import unit_of
from gensynth.generators.synthesis.requirements import front, spread

PRICE, PRICE_IN_POINTS = 3.0, 0.3
"""What the trainings of one finalist must be worth: decibels of NetScore, or points of top-1."""
HOPELESS = 0.1
"""Chance of holding below which nobody is trained."""
LONG: tuple[Purpose, ...] = ("final", "longer")
"""Purposes of trainings of the finals' length."""
JudgeTop1 = Callable[[Outcome, float], CandidateEvaluation]
"""Judges the network of an outcome at an assumed top-1 in percent."""


@dataclass(frozen=True)
class Finalist:
    """A candidate in the finals: its row of the search, and its trainings with fresh seeds."""

    outcome: Outcome
    replicas: tuple[Outcome, ...]
    missing: int
    """Trainings that have not ended yet."""
    bound: float | None = None
    """Lower confidence bound of its top-1 in percent, once all its trainings have completed."""
    mean: float | None = None
    """Mean of its top-1 in percent."""
    value: float | None = None
    """Pursued value at the mean; None unless every enforced rule holds on the bound."""
    passed: bool = False
    """Whether it is passed over: its chance to beat a confirmed finalist is not worth trainings."""
    recommended: bool = False
    """Whether it is the member of a front to export first; see `Front.tolerance`."""

    @property
    def refused(self) -> bool:
        """Whether its trainings have ended and an enforced rule does not hold."""
        return self.missing == 0 and self.value is None and not self.passed


def ranking(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return the feasible candidates of the search, best pursued value first."""
    feasible = [o for o in outcomes if o.purpose == "search" and o.value is not None]
    first: dict[str, Outcome] = {}
    for outcome in feasible:
        first.setdefault(outcome.fingerprint, outcome)
    return sorted(first.values(), key=lambda o: (-(o.value or 0.0), o.number))


def last_place(values: Iterable[float], finals: Finals) -> float:
    """Return the value in the last of the `candidates` places; minus infinity if one is free."""
    best = sorted(values, reverse=True)
    return best[finals.candidates - 1] if len(best) >= finals.candidates else -inf


def is_as_cheap(outcome: Outcome, other: Outcome, costs: Sequence[str]) -> bool:
    """Whether none of the costs of a candidate is higher than the other's; so without costs."""
    return all(getattr(outcome.profile, c) <= getattr(other.profile, c) for c in costs)


def costs_of(outcomes: Sequence[Outcome], costs: Sequence[str]) -> NDArray[float64]:
    """Return the named costs of candidates, (candidates, costs)."""
    rows = [[float(getattr(outcome.profile, cost)) for cost in costs] for outcome in outcomes]
    return np.array(rows, dtype=float64).reshape(len(outcomes), len(costs))


@dataclass(frozen=True)
class Race:
    """What decides the finals, apart from the record of the trainings."""

    finals: Finals
    images: int
    """Size of the validation split."""
    judge: JudgeTop1
    beliefs: Beliefs | None = None
    """What is believed of the candidates; None if only their measured values are known."""
    front: Front = field(default_factory=Front)
    """The costs on which a front is wanted, if any."""
    price: float = PRICE
    """Pursued value that the trainings of one finalist must be worth."""
    least: dict[str, float | None] = field(default_factory=dict)
    """What `_least` has found, by the candidate's fingerprint."""

    def order(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Return the candidates in the order in which they join: the most promising first.

        On a front, each is the most promising one for the limits that those before it leave.
        """
        best = self._promising(outcomes)
        if not self.front.costs:
            return [outcome for _, outcome in best]
        values = np.array([promise for promise, _ in best])
        rows = [outcome for _, outcome in best]
        return [rows[k] for k in spread(costs_of(rows, self.front.costs), values, len(rows))]

    def _promising(self, outcomes: Sequence[Outcome]) -> list[tuple[float, Outcome]]:
        """Return the candidates that may hold, each function once, the most promising first."""
        if self.beliefs is None:
            return [(o.value or 0.0, o) for o in ranking(outcomes)]
        kept: dict[str, tuple[float, Outcome]] = {}
        for outcome in outcomes:
            known = outcome.genome_id in self.beliefs.networks
            if known and outcome.purpose == "search" and outcome.ending == "completed":
                promise = self.promise(outcome, ())
                if outcome.fingerprint not in kept and promise > -inf:
                    kept[outcome.fingerprint] = promise, outcome
        return sorted(kept.values(), key=lambda pair: (-pair[0], pair[1].number))

    def admits(self, rival: Outcome, value: float, outcomes: Iterable[Outcome]) -> bool:
        """Whether a candidate of this value would be a finalist, by the measured values so far.

        It would if fewer than `finals.candidates` are as good at no higher costs.
        """
        as_good = [o for o in ranking(outcomes) if (o.value or 0.0) >= value]
        cheap = [o for o in as_good if is_as_cheap(o, rival, self.front.costs)]
        return len(cheap) < self.finals.candidates

    def is_settled(self, chosen: Sequence[Finalist]) -> bool:
        """Whether nobody else joins the finals now: enough are in, and enough of them may hold."""
        if self.front.costs:
            return sum(not finalist.refused for finalist in chosen) >= self.finals.candidates
        decided = all(finalist.missing == 0 for finalist in chosen)
        enough = len(chosen) >= self.finals.candidates
        return enough and (not decided or winner(chosen) is not None)

    def to_beat(self, finalist: Finalist, chosen: Sequence[Finalist]) -> float | None:
        """Return the best value confirmed at no higher costs than a finalist's; None if none is."""
        costs, own = self.front.costs, finalist.outcome
        rivals = [f for f in chosen if not costs or f.outcome is not own]
        values = [f.value for f in rivals if is_as_cheap(f.outcome, own, costs)]
        return max((value for value in values if value is not None), default=None)

    def with_recommendation(self, chosen: list[Finalist]) -> list[Finalist]:
        """Mark the cheapest of the best members of a front, by the product of its costs."""
        best = winner(chosen)
        if not self.front.costs or best is None or best.value is None:
            return chosen
        least = best.value - self.front.tolerance
        good = [f.outcome for f in chosen if f.value is not None and f.value >= least]
        totals = np.log(np.maximum(costs_of(good, self.front.costs), 1.0)).sum(axis=1)
        cheapest = good[int(totals.argmin())]
        return [replace(f, recommended=f.outcome is cheapest) for f in chosen]

    def promise(self, outcome: Outcome, top1s: Sequence[float]) -> float:
        """Return the confirmed value from which on a candidate is not worth further trainings.

        With the chance p that its rules hold on the bound, and the value v that it has then, it is
        v - `price` / p: the reservation value of Weitzman's rule (1979), by which opening boxes of
        unknown content in this order, until the best content exceeds the rest, is optimal.
        """
        if self.beliefs is None or outcome.genome_id not in self.beliefs.networks:
            return inf
        least = self._least(outcome)
        if least is None:
            return -inf
        left = self.finals.replicas - len(top1s)
        chance = self.beliefs.chance(outcome, top1s, least, left)
        likely = max(self.beliefs.after(outcome, top1s).mean, least + self.beliefs.reserve)
        value = self.judge(outcome, min(likely, 100.0)).value
        return -inf if value is None or chance < HOPELESS else value - self.price / chance

    def _least(self, outcome: Outcome) -> float | None:
        """Return the least top-1 in percent at which the rules hold; None if they never do."""
        if outcome.fingerprint not in self.least:
            low, high = 0.0, 100.0
            possible = self.judge(outcome, high).value is not None
            while possible and high - low > 0.02:
                middle = (low + high) / 2
                holds = self.judge(outcome, middle).value is not None
                low, high = (low, middle) if holds else (middle, high)
            self.least[outcome.fingerprint] = high if possible else None
        return self.least[outcome.fingerprint]

    def standing(
        self, outcome: Outcome, outcomes: Sequence[Outcome], best: float | None
    ) -> Finalist:
        """Return how a finalist stands; `best` is the value of the best one confirmed, if any."""
        same = [o for o in outcomes if o.purpose in LONG and o.genome_id == outcome.genome_id]
        replicas = tuple(same[: self.finals.replicas])
        missing = self.finals.replicas - len(replicas)
        top1s = [o.top1 for o in replicas if o.ending == "completed" and o.top1 is not None]
        if missing and len(top1s) == len(replicas):
            if top1s and not self._may_hold(outcome, top1s):
                return Finalist(outcome, replicas, 0, *self._figures(top1s))
            passed = best is not None and self.promise(outcome, top1s) <= best
            return Finalist(outcome, replicas, 0 if passed else missing, passed=passed)
        if missing or len(top1s) < len(replicas):
            return Finalist(outcome, replicas, missing)
        bound, mean = self._figures(top1s)
        holds = self.judge(outcome, bound).value is not None
        value = self.judge(outcome, mean).value if holds else None
        return Finalist(outcome, replicas, 0, bound, mean, value)

    def _figures(self, top1s: Sequence[float]) -> tuple[float, float]:
        return lower_bound(top1s, self.images, self.finals.confidence), fmean(top1s)

    def _may_hold(self, outcome: Outcome, top1s: Sequence[float]) -> bool:
        finals = self.finals
        bound = reachable_bound(top1s, finals.replicas, self.images, finals.confidence)
        return self.judge(outcome, bound).value is not None


def race_of(context: Context, judge: JudgeTop1) -> Race:
    """Return the race that an experiment asks for."""
    own, images = context.experiment, context.validation_images
    price = PRICE_IN_POINTS if unit_of(context.score) == "points" else PRICE
    return Race(own.finals, images, judge, front=own.front, price=price)


def finalists(outcomes: Sequence[Outcome], race: Race) -> list[Finalist]:
    """Return who is in the finals, as far as the record goes.

    At first these are the most promising `candidates`. As long as none of them keeps the rules, one
    more joins at a time, up to `most`.
    """
    chosen: list[Finalist] = []
    for outcome in race.order(outcomes)[: race.finals.most]:
        if race.is_settled(chosen):
            break
        chosen.append(race.standing(outcome, outcomes, None))
    compared = [race.standing(f.outcome, outcomes, race.to_beat(f, chosen)) for f in chosen]
    return race.with_recommendation(compared)


def winner(chosen: Iterable[Finalist]) -> Finalist | None:
    """Return the finalist to export, of those whose rules hold on the lower bound.

    It is the recommended one of a front, else the one of the best value.
    """
    holding = [f for f in chosen if f.value is not None]
    return max(
        holding, key=lambda f: (f.recommended, f.value or 0.0, -f.outcome.number), default=None
    )


def confirmed_front(chosen: Sequence[Finalist], costs: Sequence[str]) -> list[Finalist]:
    """Return the confirmed members of a front, the lowest value first."""
    holding = [f for f in chosen if f.value is not None]
    rows, values = [f.outcome for f in holding], np.array([f.value for f in holding], dtype=float64)
    kept = [holding[k] for k in front(costs_of(rows, costs), values)]
    return sorted(kept, key=lambda f: f.value or 0.0)


def why_no_winner(chosen: Sequence[Finalist], searched: Iterable[Outcome]) -> str:
    """Return why no finalist won, in words."""
    if chosen:
        return "no candidate kept every enforced rule on the lower bound of the finals"
    found = any(outcome.value is not None for outcome in searched)
    return f"no {'feasible candidate was confirmed' if found else 'candidate was feasible'}"
