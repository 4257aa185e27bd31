from dataclasses import replace

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.evaluation.constraint import Judgement
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import Foresight, Prospect
from gensynth.generators.synthesis.accuracy_posterior import PredictedAccuracy
from gensynth.generators.synthesis.candidates import SampledCandidate, sample_candidate
from gensynth.generators.synthesis.inquisitor import Inquisitor
from gensynth.space import Draw
from tests.support.campaigns import measurement, outcome
from tests.support.synthetic import Synthetic


def test_what_luck_made_feasible_is_credible_less_often_than_what_is_good() -> None:
    problem = Synthetic(floor=78.0)
    kept: list[bool] = []
    dropped: list[bool] = []
    for seed in range(24):
        rng = np.random.default_rng(seed)
        inquisitor = Inquisitor(problem)
        for number in range(40):
            inquisitor.observe(lucky(problem, rng, number))
        inquisitor.assess([drawn(problem, rng)])
        proven = {o.fingerprint for o in inquisitor.credible()}
        for tried in inquisitor.tried:
            if tried.value is not None:
                good = problem.top1(tried.decisions) >= problem.floor
                (kept if tried.fingerprint in proven else dropped).append(good)
    assert len(dropped) >= 5
    assert np.mean(kept) > np.mean(dropped) + 0.25


def drawn(problem: Synthetic, rng: np.random.Generator) -> SampledCandidate:
    return sample_candidate(problem, Draw(rng))


def lucky(problem: Synthetic, rng: np.random.Generator, number: int) -> Outcome:
    """Train a network at random with much noise: some pass the floor that should not."""
    decisions = drawn(problem, rng).decisions
    noisy = min(problem.top1(decisions) + 3.0 * rng.normal(), 99.0)
    foresight = problem.foresee(decisions)
    value = problem.prospect(foresight, np.array([noisy])).value[0]
    trained = replace(
        outcome(number=number, decisions=decisions), fingerprint=foresight.fingerprint
    )
    held = noisy >= problem.floor
    return replace(trained, curve=(measurement(1, noisy),), value=float(value) if held else None)


def taught(problem: Synthetic, count: int = 12) -> tuple[Inquisitor, list[SampledCandidate]]:
    """Observe some candidates; return others."""
    rng, inquisitor = np.random.default_rng(0), Inquisitor(problem)
    for number in range(count):
        inquisitor.observe(lucky(problem, rng, number))
    return inquisitor, [drawn(problem, rng) for _ in range(20)]


def test_assessments_depend_on_what_was_observed_and_not_on_former_assessments() -> None:
    problem = Synthetic()
    inquisitor, candidates = taught(problem)
    other, _ = taught(problem)
    once = inquisitor.assess(candidates)
    other.assess(candidates)
    other.assess(candidates[3:9])
    other.credible()
    again = other.assess(candidates)
    for name in ("acquisition", "preference", "value", "chance", "mean", "deviation"):
        assert np.array_equal(getattr(once, name), getattr(again, name))


def test_optimism_lowers_the_value_and_not_the_posterior_mean() -> None:
    problem = Synthetic()
    inquisitor, candidates = taught(problem)
    before = inquisitor.assess(candidates)
    for candidate, tried in zip(taught(problem)[1], inquisitor.tried, strict=False):
        assert tried.top1 is not None
        name = replace(candidate.foresight, fingerprint=tried.fingerprint)
        predicted = PredictedAccuracy(tried.top1 + 10.0, 2.0)
        inquisitor.expect(SampledCandidate(candidate.trace, name), predicted)
    after = inquisitor.assess(candidates)
    assert np.array_equal(before.mean, after.mean)
    assert (after.value < before.value).all()


class Undecided(Synthetic):
    """The accuracy decides no rule, as in an Optuna study; a rule is called `top1` all the same."""

    def prospect(self, foresight: Foresight, top1: NDArray[float64]) -> Prospect:
        return replace(super().prospect(foresight, top1), violation=0 * top1, decided=())


def test_a_rule_may_have_any_name() -> None:
    problem, rng = Undecided(), np.random.default_rng(0)
    inquisitor = Inquisitor(problem)
    for number in range(16):
        violation = float(rng.normal())
        judged = Judgement("top1", "enforce", 0.0, violation <= 0, violation, "")
        inquisitor.observe(replace(lucky(problem, rng, number), judgements=(judged,)))
    candidates = [drawn(problem, rng) for _ in range(40)]
    accuracies = [problem.top1(candidate.decisions) for candidate in candidates]
    assert np.corrcoef(inquisitor.assess(candidates).mean, accuracies)[0, 1] > 0.6


def test_candidates_are_assessed_before_any_outcome() -> None:
    problem = Synthetic()
    assessment = Inquisitor(problem).assess([drawn(problem, np.random.default_rng(0))])
    assert np.isfinite(assessment.value).all() and 0 < assessment.chance[0] < 1
