"""Choosing the winner honestly: the best few train again, and the rules hold on a lower bound.

The best of many noisy trainings is better by luck than it is in truth; fresh seeds show which.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean

from gensynth.campaign.experiment import Finals
from gensynth.evaluation.confidence import lower_bound
from gensynth.evaluation.evaluator import Evaluation
from gensynth.evaluation.outcome import Outcome

JudgeTop1 = Callable[[Outcome, float], Evaluation]
"""Judges the network of an outcome at a supposed top-1."""


@dataclass(frozen=True)
class Finalist:
    """A candidate of the finals: its row of the search, and its trainings with fresh seeds."""

    outcome: Outcome
    replicas: tuple[Outcome, ...]
    missing: int
    """Trainings still to be done."""
    bound: float | None = None
    """Lower confidence bound of its top-1 in percent, once all its trainings are done."""
    mean: float | None = None
    """Mean of its top-1 in percent."""
    value: float | None = None
    """Pursued value at the mean, where every enforced rule holds on the bound."""

    @property
    def refused(self) -> bool:
        """Say whether its trainings are done and an enforced rule does not hold."""
        return self.missing == 0 and self.value is None


def ranking(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Sort the feasible candidates of the search, best pursued value first."""
    feasible = [o for o in outcomes if o.purpose == "search" and o.value is not None]
    first: dict[str, Outcome] = {}
    for outcome in feasible:
        first.setdefault(outcome.fingerprint, outcome)
    return sorted(first.values(), key=lambda o: (-(o.value or 0.0), o.number))


def admission(outcomes: Iterable[Outcome], finals: Finals) -> float:
    """Give the value that a candidate must beat to be among the `candidates` best so far."""
    return last_place([o.value for o in ranking(outcomes) if o.value is not None], finals)


def last_place(values: Iterable[float], finals: Finals) -> float:
    """Give the value on the last of the `candidates` places; minus infinity where one is free."""
    best = sorted(values, reverse=True)
    return best[finals.candidates - 1] if len(best) >= finals.candidates else -inf


def finalists(
    outcomes: Sequence[Outcome], finals: Finals, images: int, judge: JudgeTop1
) -> list[Finalist]:
    """Say who is in the finals as far as the record goes; `images` is the validation's size.

    The best `candidates` at first; one more at a time, up to `most`, while none of them holds.
    """
    chosen: list[Finalist] = []
    for outcome in ranking(outcomes)[: finals.most]:
        settled = all(f.missing == 0 for f in chosen)
        if len(chosen) >= finals.candidates and (not settled or winner(chosen) is not None):
            break
        chosen.append(_finalist(outcome, outcomes, finals, images, judge))
    return chosen


def winner(chosen: Iterable[Finalist]) -> Finalist | None:
    """Pick the finalist of the best value among those whose rules hold on the lower bound."""
    holding = [f for f in chosen if f.value is not None]
    return max(holding, key=lambda f: (f.value or 0.0, -f.outcome.number), default=None)


def _finalist(
    outcome: Outcome,
    outcomes: Sequence[Outcome],
    finals: Finals,
    images: int,
    judge: JudgeTop1,
) -> Finalist:
    same = [o for o in outcomes if o.purpose == "final" and o.genome_id == outcome.genome_id]
    replicas = tuple(same[: finals.replicas])
    missing = finals.replicas - len(replicas)
    top1s = [o.top1 for o in replicas if o.ending == "completed" and o.top1 is not None]
    if missing or len(top1s) < len(replicas):
        return Finalist(outcome, replicas, missing)
    bound, mean = lower_bound(top1s, images, finals.confidence), fmean(top1s)
    holds = judge(outcome, bound).value is not None
    value = judge(outcome, mean).value if holds else None
    return Finalist(outcome, replicas, 0, bound, mean, value)
