"""Statistics of the networks that G(s) draws: how many are feasible, how good, how different."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, median, pstdev
from typing import Protocol

import numpy as np

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.generators.problem import Problem, sample_decisions
from gensynth.generators.protocol import Proposal
from gensynth.generators.synthesis.candidates import SampledCandidate, sample_candidate
from gensynth.generators.synthesis.inquisitor import Inquisitor
from gensynth.genome import Decision, Decisions
from gensynth.space import Choose, Draw, Replay

BASES = 12
"""Networks of G(s) around which the influence of each decision is measured."""


class AssessedGenerator(Protocol):
    """A generator G(s) with the inquisitor that judges it."""

    problem: Problem
    inquisitor: Inquisitor

    def generate(self, count: int, first: int = 0, learned: bool = True) -> Iterator[Proposal]:
        """Yield G(s) for the seeds `first`, `first + 1`, ...; at its start if not `learned`."""
        ...


@dataclass(frozen=True)
class Population:
    """Networks that G draws for fresh seeds, as the inquisitor assesses them."""

    seeds: int
    feasible: float
    """Share that keeps the enforced rules that can be judged before training (0 to 1)."""
    value: float
    """Mean of the predicted pursued value in decibels, supposing that all rules hold."""
    chance: float
    """Mean of the predicted probability of 1_r (0 to 1)."""
    different: int
    """Number of networks that compute different functions."""
    distance: float
    """Mean share of decisions in which two of the networks differ (0 to 1)."""
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
    generator: AssessedGenerator, seeds: int, learned: bool = True, first: int = 0
) -> Population:
    """Return statistics of G(s) for the seeds `first`, ...; of G at its start if not `learned`."""
    drawn = [p.decisions for p in generator.generate(seeds, first, learned=learned)]
    sampled = (_valid(generator, Replay(decisions)) for decisions in drawn)
    candidates = [candidate for candidate in sampled if candidate is not None]
    if not candidates:
        return Population(seeds, 0.0, float("nan"), 0.0, 0, distance(drawn), 0.0)
    assessment = generator.inquisitor.assess(candidates)
    macs = [10 ** c.foresight.features.get("macs", 0.0) for c in candidates]
    return Population(
        seeds=seeds,
        feasible=sum(candidate.foresight.feasible for candidate in candidates) / seeds,
        value=float(np.nanmean(assessment.value)),
        chance=float(np.mean(assessment.chance)),
        different=len({candidate.foresight.fingerprint for candidate in candidates}),
        distance=distance(drawn),
        macs=median(macs),
    )


def influences(generator: AssessedGenerator) -> list[Influence]:
    """Rank the decisions by the predicted effect of answering one of them anew.

    Around networks that G draws, each decision takes each of its options in turn. Decisions that
    an answer makes reachable are drawn at random; the others stay.
    """
    variations = list(_variations(generator))
    if not variations:
        return []
    values = generator.inquisitor.assess([variation.candidate for variation in variations]).value
    found: dict[tuple[int, str], dict[Decision, float]] = {}
    for variation, value in zip(variations, values, strict=True):
        if np.isfinite(value):
            key = variation.base, variation.decision
            found.setdefault(key, {})[variation.option] = float(value)
    names = dict.fromkeys(name for _, name in found)
    ranked = [_influence(name, [v for (_, n), v in found.items() if n == name]) for name in names]
    return sorted(ranked, key=lambda influence: -influence.effect_db)


def distance(decisions: Sequence[Decisions]) -> float:
    """Return the mean share of decisions in which two of the networks differ (0 to 1)."""
    shares = []
    for one, other in combinations(decisions, 2):
        names = one.keys() | other.keys()
        shares.append(sum(one.get(n) != other.get(n) for n in names) / len(names))
    return fmean(shares) if shares else 0.0


def _influence(name: str, seen: Sequence[dict[Decision, float]]) -> Influence:
    """Return the influence of a decision, from the values of its options around each base."""
    effect = fmean(pstdev(values.values()) for values in seen)
    means: dict[Decision, list[float]] = {}
    for values in seen:
        for option, value in values.items():
            means.setdefault(option, []).append(value)
    best = max(means, key=lambda option: fmean(means[option]))
    return Influence(name, effect, str(best))


@dataclass(frozen=True)
class _Variation:
    """A network of G(s) with one decision answered anew."""

    base: int
    decision: str
    option: Decision
    candidate: SampledCandidate


def _variations(generator: AssessedGenerator) -> Iterator[_Variation]:
    for index, base in enumerate(generator.generate(BASES, 0)):
        record = sample_decisions(generator.problem, Replay(base.decisions))
        for name, options in record.options.items():
            for option in options if len(options) > 1 else ():
                rest = Draw(np.random.default_rng(index))
                changed = Replay(dict(base.decisions) | {name: option}, otherwise=rest)
                candidate = _valid(generator, changed)
                if candidate is not None:
                    yield _Variation(index, name, option, candidate)


def _valid(generator: AssessedGenerator, choose: Choose) -> SampledCandidate | None:
    """Return the candidate that `choose` samples; None if it cannot be built or judged."""
    try:
        return sample_candidate(generator.problem, choose)
    except (InputError, ConstraintError):
        return None
