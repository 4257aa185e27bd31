"""What G(s) draws for many seeds, in a few numbers: is it feasible, how good, how different."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, median, pstdev

import numpy as np

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.generators.synthesis.draft import Draft, draft_of, trace_of
from gensynth.generators.synthesis.generator import Synthesis
from gensynth.genome import Decision, Decisions
from gensynth.space import Choose, Draw, Replay

BASES = 12
"""Networks of G(s) around which the influence of a decision is looked at."""


@dataclass(frozen=True)
class Population:
    """Networks that G draws for fresh seeds, as the inquisitor sees them."""

    seeds: int
    feasible: float
    """Share that keeps the enforced rules that are known before training."""
    value: float
    """Mean of the pursued value that I predicts, in decibels, supposing that all rules hold."""
    chance: float
    """Mean of the chance that I gives 1_r, between 0 and 1."""
    different: int
    """Networks among them that compute different functions."""
    distance: float
    """Mean share of decisions in which two of them differ (0 to 1)."""
    macs: float
    """Median multiply-accumulates."""


@dataclass(frozen=True)
class Influence:
    """How much one decision matters to what the inquisitor predicts."""

    decision: str
    effect_db: float
    """Standard deviation of the predicted value over the decision's options, all else equal."""
    best: str
    """The option of the highest mean prediction."""


def population(
    generator: Synthesis, seeds: int, learned: bool = True, first: int = 0
) -> Population:
    """Draw G(s) for seeds `first`, ... (at its start if not `learned`) and let I judge them."""
    drawn = [p.decisions for p in generator.generate(seeds, first, learned=learned)]
    drafts = _drafts(generator, drawn)
    if not drafts:
        return Population(seeds, 0.0, float("nan"), 0.0, 0, distance(drawn), 0.0)
    opinion = generator.inquisitor.judge(drafts, [])
    return Population(
        seeds=seeds,
        feasible=sum(draft.foresight.feasible for draft in drafts) / seeds,
        value=float(np.nanmean(opinion.value)),
        chance=float(np.mean(opinion.chance)),
        different=len({draft.foresight.fingerprint for draft in drafts}),
        distance=distance(drawn),
        macs=median(10 ** draft.foresight.features.get("macs", 0.0) for draft in drafts),
    )


def influences(generator: Synthesis) -> list[Influence]:
    """Rank the decisions by what I predicts to change when one alone is answered anew.

    Around networks that G draws, each decision takes each of its options in turn; what an answer
    makes reachable is drawn at random, the rest stays.
    """
    places, drafts = [], []
    for place, draft in _variations(generator):
        places.append(place)
        drafts.append(draft)
    if not drafts:
        return []
    values = generator.inquisitor.judge(drafts, []).value
    found: dict[tuple[int, str], dict[Decision, float]] = {}
    for (base, name, option), value in zip(places, values, strict=True):
        if np.isfinite(value):
            found.setdefault((base, name), {})[option] = float(value)
    names = dict.fromkeys(name for _, name in found)
    told = [_influence(name, [v for (_, n), v in found.items() if n == name]) for name in names]
    return sorted(told, key=lambda influence: -influence.effect_db)


def distance(decisions: Sequence[Decisions]) -> float:
    """Give the mean share of decisions in which two of the networks differ (0 to 1)."""
    shares = []
    for one, other in combinations(decisions, 2):
        names = one.keys() | other.keys()
        shares.append(sum(one.get(n) != other.get(n) for n in names) / len(names))
    return fmean(shares) if shares else 0.0


def _influence(name: str, seen: Sequence[dict[Decision, float]]) -> Influence:
    effect = fmean(pstdev(values.values()) for values in seen)
    means: dict[Decision, list[float]] = {}
    for values in seen:
        for option, value in values.items():
            means.setdefault(option, []).append(value)
    best = max(means, key=lambda option: fmean(means[option]))
    return Influence(name, effect, str(best))


def _variations(generator: Synthesis) -> Iterator[tuple[tuple[int, str, Decision], Draft]]:
    for index, base in enumerate(generator.generate(BASES, 0)):
        trace = trace_of(generator.problem, Replay(base.decisions), 0)
        for name, options in trace.options.items():
            for option in options if len(options) > 1 else ():
                rest = Draw(np.random.default_rng(index))
                changed = Replay(dict(base.decisions) | {name: option}, otherwise=rest)
                draft = _draft(generator, changed)
                if draft is not None:
                    yield (index, name, option), draft


def _drafts(generator: Synthesis, drawn: Sequence[Decisions]) -> list[Draft]:
    found = (_draft(generator, Replay(decisions)) for decisions in drawn)
    return [draft for draft in found if draft is not None]


def _draft(generator: Synthesis, choose: Choose) -> Draft | None:
    """Draft what `choose` answers; None where no network can be built or judged."""
    try:
        decisions = trace_of(generator.problem, choose, 0).decisions
        return draft_of(generator.problem, decisions)
    except (InputError, ConstraintError):
        return None
