"""Choosing the winner without being misled by luck.

The best of many noisy trainings looks better than it is. So the best few candidates are trained
again with fresh seeds, and the enforced rules must hold on a lower bound of their accuracy.
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

    @property
    def refused(self) -> bool:
        """Whether its trainings have ended and an enforced rule does not hold."""
        return self.missing == 0 and self.value is None


def ranking(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return the feasible candidates of the search, best pursued value first."""
    feasible = [o for o in outcomes if o.purpose == "search" and o.value is not None]
    first: dict[str, Outcome] = {}
    for outcome in feasible:
        first.setdefault(outcome.fingerprint, outcome)
    return sorted(first.values(), key=lambda o: (-(o.value or 0.0), o.number))


def admission(outcomes: Iterable[Outcome], finals: Finals) -> float:
    """Return the value that a candidate must exceed to be among the best `candidates` so far."""
    return last_place([o.value for o in ranking(outcomes) if o.value is not None], finals)


def last_place(values: Iterable[float], finals: Finals) -> float:
    """Return the value in the last of the `candidates` places; minus infinity if one is free."""
    best = sorted(values, reverse=True)
    return best[finals.candidates - 1] if len(best) >= finals.candidates else -inf


def finalists(
    outcomes: Sequence[Outcome], finals: Finals, images: int, judge: JudgeTop1
) -> list[Finalist]:
    """Return who is in the finals, as far as the record goes.

    At first these are the best `candidates`. As long as none of them keeps the rules, one more
    joins at a time, up to `most`. `images` is the size of the validation split.
    """
    chosen: list[Finalist] = []
    for outcome in ranking(outcomes)[: finals.most]:
        decided = all(f.missing == 0 for f in chosen)
        if len(chosen) >= finals.candidates and (not decided or winner(chosen) is not None):
            break
        chosen.append(_finalist(outcome, outcomes, finals, images, judge))
    return chosen


def winner(chosen: Iterable[Finalist]) -> Finalist | None:
    """Return the finalist with the best value of those whose rules hold on the lower bound."""
    holding = [f for f in chosen if f.value is not None]
    return max(holding, key=lambda f: (f.value or 0.0, -f.outcome.number), default=None)


def why_no_winner(chosen: Sequence[Finalist], searched: Iterable[Outcome]) -> str:
    """Return why no finalist won, in words."""
    if chosen:
        return "no candidate kept every enforced rule on the lower bound of the finals"
    found = any(outcome.value is not None for outcome in searched)
    return f"no {'feasible candidate was confirmed' if found else 'candidate was feasible'}"


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
