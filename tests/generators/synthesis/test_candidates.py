import numpy as np

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.generators.problem import Foresight
from gensynth.generators.synthesis.candidates import CandidatePool, SampledCandidate
from gensynth.generators.synthesis.policy import Policy
from gensynth.genome import Decisions
from tests.support.synthetic import Synthetic


def filled(foresight: bool = True) -> tuple[CandidatePool, list[SampledCandidate]]:
    pool = CandidatePool(Synthetic(), 0, foresight)
    return pool, pool.sample(pool.draws(Policy({}, 0.1), 60))


def test_only_feasible_candidates_join_and_the_others_are_counted() -> None:
    pool, new = filled()
    feasible = [c.foresight.fingerprint for c in new if c.foresight.feasible]
    assert list(pool.candidates) == feasible
    assert pool.rejections == {"max_params": len(new) - len(feasible)}
    assert len(filled(foresight=False)[0].candidates) == len(new)


def test_a_function_is_sampled_once() -> None:
    pool, new = filled()
    policy = Policy({}, 0.1)
    assert len({candidate.foresight.fingerprint for candidate in new}) == len(new)
    pool.remove(next(iter(pool.candidates.values())))
    again = CandidatePool(Synthetic(), 0)
    assert pool.sample(again.draws(policy, 60)) == []


def test_what_is_not_kept_may_be_sampled_again() -> None:
    pool, _ = filled()
    before = list(pool.candidates.values())
    pool.keep(before[::-1], 3)
    assert list(pool.candidates.values()) == before[:-4:-1]
    again = CandidatePool(Synthetic(), 0)
    found = pool.sample(again.draws(Policy({}, 0.1), 60))
    assert found == before[:-3]


def test_seeds_are_fresh_and_follow_from_the_seed() -> None:
    one, other = CandidatePool(Synthetic(), 1), CandidatePool(Synthetic(), 1)
    seeds = one.fresh_seeds(5) + one.fresh_seeds(5)
    assert len(set(seeds)) == 10
    assert other.fresh_seeds(5) + other.fresh_seeds(5) == seeds


def test_mutants_keep_most_answers_of_a_parent() -> None:
    pool, new = filled(foresight=False)
    parent = new[0].decisions
    mutants = pool.sample(pool.mutants(Policy({}, 0.1), [parent], 60))
    shared = [
        np.mean([mutant.decisions.get(name) == answer for name, answer in parent.items()])
        for mutant in mutants
    ]
    assert np.mean(shared) > 0.5 and max(shared) < 1


class Failing(Synthetic):
    """No candidate can be judged: a rule raises, or no network can be built."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def foresee(self, decisions: Decisions) -> Foresight:
        raise self.error


def test_candidates_that_cannot_be_judged_are_counted() -> None:
    for error, name in (
        (InputError("width", "is odd"), "width"),
        (ConstraintError("x"), "constraint"),
    ):
        pool = CandidatePool(Failing(error), 0)
        assert pool.sample(pool.draws(Policy({}, 0.1), 4)) == []
        assert pool.rejections == {name: 4}


def test_refinement_climbs_the_acquisition_function() -> None:
    def small(candidates: object) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array([-c.foresight.features["params"] for c in candidates])  # type: ignore[attr-defined]

    pool, _ = filled()
    before = max(small(pool.candidates.values()))
    pool.refine(Policy({}, 0.1), 0, small)
    assert max(small(pool.candidates.values())) == before
    pool.refine(Policy({}, 0.1), 4, small)
    assert max(small(pool.candidates.values())) > before
