"""A warm start: what earlier campaigns teach about the candidates of this one.

The accuracy of a candidate is modelled as a constant, plus a slope times what an inquisitor of
the earlier campaign predicts for it, plus what only this campaign can show. The last part is that
of the Gaussian process. The slopes (`slopes.py`) follow from a regression of the outcomes on the
predictions: a related campaign counts from the first proposal on, and one that turns out to be
unrelated soon loses its influence. One member of the ensemble is cold: its slopes are 0.

Stacking on the residuals of an earlier study is the transfer of Vizier (Golovin et al., KDD 2017);
members that weigh earlier ones by their fit are those of Feurer et al. (arXiv 1802.02219).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import FAILED, EarlierCampaign, HasEarlier, Problem
from gensynth.generators.synthesis.candidates import SampledCandidate, sampled_candidate
from gensynth.generators.synthesis.evidence import accuracy_samples
from gensynth.genome import Decisions
from gensynth.space import Recording, Replay, SearchSpace

Floats = NDArray[float64]
MOST = 256
"""Trainings of one campaign that are learned from: the time for it grows with their cube."""
SHARED = 0.5
"""Least share of a candidate's decisions that an earlier training must have answered."""


def fitting(space: SearchSpace[Any], campaign: EarlierCampaign) -> EarlierCampaign:
    """Return the trainings of an earlier campaign as candidates of `space`.

    Decisions that it did not know are answered as in the prototype, else by the first option.
    Trainings that answer less than half of a candidate's decisions are left out, and of very many
    all but the last `MOST`.
    """
    prototype = space.presets.get("prototype", {})
    found = []
    for outcome in campaign.outcomes[-MOST:]:
        otherwise = Replay(prototype, _first, lenient=True)
        record = Recording(Replay(outcome.decisions, otherwise, lenient=True))
        try:
            space.sample(record)
        except InputError:
            continue
        if _shared(record.decisions, outcome.decisions) >= SHARED:
            found.append(replace(outcome, decisions=record.decisions))
    return replace(campaign, outcomes=tuple(found))


def _first(_: str, options: Sequence[Any], /) -> Any:
    return options[0]


def _shared(decisions: Decisions, earlier: Decisions) -> float:
    known = sum(earlier.get(name) == answer for name, answer in decisions.items())
    return known / max(len(decisions), 1)


def best_earlier(problem: Problem) -> list[SampledCandidate]:
    """Return the candidates of earlier campaigns that keep the known rules, most valuable first.

    The value is that under the present score, at the accuracy that was measured then. Accuracies
    of different campaigns are not compared: their candidates take turns.
    """
    campaigns = problem.earlier if isinstance(problem, HasEarlier) else ()
    turns = zip_longest(*(_ranked(problem, campaign.outcomes) for campaign in campaigns))
    found: dict[str, SampledCandidate] = {}
    for candidate in (candidate for turn in turns for candidate in turn if candidate is not None):
        found.setdefault(candidate.foresight.fingerprint, candidate)
    return list(found.values())


def _ranked(problem: Problem, outcomes: Sequence[Outcome]) -> list[SampledCandidate]:
    known = sorted(_valued(problem, outcomes), key=lambda pair: -pair[0])
    return [candidate for _, candidate in known]


def _valued(
    problem: Problem, outcomes: Sequence[Outcome]
) -> Iterator[tuple[float, SampledCandidate]]:
    for outcome, sample in zip(outcomes, accuracy_samples(outcomes), strict=True):
        if outcome.ending in FAILED or sample.top1 is None:
            continue
        try:
            candidate = sampled_candidate(problem, outcome.decisions, outcome.seed)
            value = problem.prospect(candidate.foresight, np.array([sample.top1])).value[0]
        except (InputError, ConstraintError):
            continue
        if candidate.foresight.feasible and np.isfinite(value):
            yield float(value), candidate
