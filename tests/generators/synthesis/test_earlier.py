"""What earlier campaigns teach: which trainings fit, and what I and G make of them."""

from dataclasses import replace

import numpy as np
import pytest

from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import EarlierCampaign
from gensynth.generators.protocol import Proposal
from gensynth.generators.random import RandomGenerator
from gensynth.generators.synthesis.candidates import SampledCandidate, sampled_candidate
from gensynth.generators.synthesis.earlier import best_earlier, fitting
from gensynth.generators.synthesis.generator import Synthesis
from gensynth.generators.synthesis.inquisitor import Inquisitor
from tests.support.campaigns import measurement, outcome
from tests.support.synthetic import Synthetic, best_of
from tests.support.toy_space import ToySpace


class Warm(Synthetic):
    """The problem, with what an earlier campaign of random candidates has trained."""

    def __init__(self, trainings: int = 40, harder: float = 0.0) -> None:
        super().__init__()
        random = RandomGenerator(self, 7)
        proposals = [random.ask() for _ in range(trainings)]
        told = tuple(self.earlier_training(p, k, harder) for k, p in enumerate(proposals))
        self.earlier = [EarlierCampaign("earlier", told, trainings)]

    def earlier_training(self, proposal: Proposal, number: int, harder: float) -> Outcome:
        name = self.foresee(proposal.decisions).genome_id
        return outcome(
            number=number,
            decisions=proposal.decisions,
            genome_id=name,
            fingerprint=name,
            curve=(measurement(top1=self.top1(proposal.decisions) - harder),),
        )


def draws(problem: Synthetic, count: int) -> list[SampledCandidate]:
    """Return random candidates that the earlier campaign did not have."""
    random = RandomGenerator(problem, 1)
    return [sampled_candidate(problem, random.ask().decisions) for _ in range(count)]


@pytest.mark.parametrize("harder", [0.0, 30.0])
def test_after_one_training_the_accuracy_of_others_is_foreseen(harder: float) -> None:
    """Even if the earlier task was harder: by how much, one training tells."""
    problem = Warm(harder=harder)
    inquisitor = Inquisitor(problem)
    first = problem.earlier[0].outcomes[0]
    inquisitor.observe(problem.train(Proposal(first.decisions), 0))
    asked = draws(problem, 60)
    expected = inquisitor.assess(asked).mean
    true = np.array([problem.top1(candidate.decisions) for candidate in asked])
    assert np.corrcoef(expected, true)[0, 1] > 0.8


def test_the_first_proposal_is_the_best_known_candidate_within_the_limits() -> None:
    problem = Warm()
    best = best_earlier(problem)
    assert all(candidate.foresight.feasible for candidate in best)
    assert Synthesis(problem, 0).ask().decisions == best[0].decisions
    fingerprints = [candidate.foresight.fingerprint for candidate in best]
    assert len(set(fingerprints)) == len(fingerprints)


def test_a_training_that_failed_is_no_candidate_to_begin_with() -> None:
    problem = Warm()
    failed = [replace(o, ending="diverged", curve=()) for o in problem.earlier[0].outcomes[:5]]
    problem.earlier = [EarlierCampaign("x", (*failed, *problem.earlier[0].outcomes[5:]), 40)]
    begun = [dict(candidate.decisions) for candidate in best_earlier(problem)]
    assert begun and not any(dict(o.decisions) in begun for o in failed)


def test_a_warm_search_finds_more_in_a_few_trainings() -> None:
    found = [
        (best_of(Synthesis(Warm(), seed), Warm(), 4), best_of(_cold(seed), Synthetic(), 4))
        for seed in range(5)
    ]
    assert sum(warm > cold for warm, cold in found) >= 4


def _cold(seed: int) -> Synthesis:
    return Synthesis(Synthetic(), seed)


def test_decisions_that_an_earlier_space_lacked_are_answered_as_in_the_prototype() -> None:
    """What is too different is left out."""
    space = ToySpace()
    known = outcome(decisions={"width": 4, "depth": 2, "other": "x"})
    strange = outcome(decisions={"colour": "blue"})
    (only,) = fitting(space, EarlierCampaign("old", (known, strange), 2)).outcomes
    assert dict(only.decisions) == {"width": 4, "depth": 2, "stride.2": 1}


def test_candidates_of_several_campaigns_take_turns() -> None:
    problem = Warm()
    first, second = problem.earlier[0].outcomes[:20], problem.earlier[0].outcomes[20:]
    problem.earlier = [EarlierCampaign("a", first, 20), EarlierCampaign("b", second, 20)]
    places = [candidate.decisions for candidate in best_earlier(problem)[:2]]
    mine = [[dict(o.decisions) for o in campaign.outcomes] for campaign in problem.earlier]
    assert dict(places[0]) in mine[0] and dict(places[1]) in mine[1]
