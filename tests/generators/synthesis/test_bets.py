"""What luck does to a search, and what is set against it."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gensynth.evaluation.outcome import Outcome
from gensynth.generators.synthesis.bets import FARTHEST, Bets
from gensynth.generators.synthesis.draft import Draft, trace_of
from gensynth.generators.synthesis.inquisitor import Inquisitor
from gensynth.space import Draw
from tests.support.campaigns import measurement, outcome
from tests.support.synthetic import Synthetic

NUMBERS = st.floats(-1e3, 1e3)


def ended(name: str, top1: float) -> Outcome:
    return replace(outcome(fingerprint=name), curve=(measurement(1, top1),))


def placed(errors: list[float]) -> tuple[Bets, list[Outcome]]:
    """Bet 50 % with a deviation of 1 on each of several, and miss by `errors`."""
    bets = Bets()
    for number in range(len(errors)):
        bets.place(str(number), 50.0, 1.0)
    return bets, [ended(str(number), 50.0 - error) for number, error in enumerate(errors)]


@given(st.lists(NUMBERS, max_size=20))
def test_optimism_is_never_negative_and_never_beyond_the_farthest_error(
    errors: list[float],
) -> None:
    bets, outcomes = placed(errors)
    assert 0 <= bets.optimism(outcomes) < FARTHEST


def test_steady_disappointment_is_believed_more_and_more() -> None:
    told = [placed([1.0] * count) for count in (0, 1, 4, 40)]
    optimism = [bets.optimism(outcomes) for bets, outcomes in told]
    assert optimism[0] == 0
    assert optimism == sorted(optimism)
    assert 0.9 < optimism[-1] < 1


def test_good_surprises_make_nobody_bolder() -> None:
    bets, outcomes = placed([-1.0] * 10)
    assert bets.optimism(outcomes) == 0


def test_only_what_was_bet_on_and_completed_counts() -> None:
    bets, outcomes = placed([2.0] * 6)
    stopped = [replace(o, ending="stopped") for o in outcomes]
    assert bets.optimism([*stopped, ended("never bet on", 0.0)]) == 0


def test_what_luck_made_feasible_is_borne_out_less_often_than_what_is_good() -> None:
    problem = Synthetic(floor=78.0)
    kept: list[bool] = []
    dropped: list[bool] = []
    for seed in range(24):
        rng = np.random.default_rng(seed)
        inquisitor = Inquisitor(problem)
        for number in range(40):
            inquisitor.observe(lucky(problem, rng, number))
        inquisitor.judge([draft(problem, rng)], [])
        proven = {o.fingerprint for o in inquisitor.borne_out()}
        for tried in inquisitor.tried:
            if tried.value is not None:
                good = problem.top1(tried.decisions) >= problem.floor
                (kept if tried.fingerprint in proven else dropped).append(good)
    assert len(dropped) >= 5
    assert np.mean(kept) > np.mean(dropped) + 0.25


def draft(problem: Synthetic, rng: np.random.Generator) -> Draft:
    trace = trace_of(problem, Draw(rng), 0)
    return Draft(trace, problem.foresee(trace.decisions))


def lucky(problem: Synthetic, rng: np.random.Generator, number: int) -> Outcome:
    """Train a network at random with much noise: some pass the floor that should not."""
    decisions = draft(problem, rng).decisions
    noisy = min(problem.top1(decisions) + 3.0 * rng.normal(), 99.0)
    foresight = problem.foresee(decisions)
    value = problem.prospect(foresight, np.array([noisy])).value[0]
    told = replace(outcome(number=number, decisions=decisions), fingerprint=foresight.fingerprint)
    held = noisy >= problem.floor
    return replace(told, curve=(measurement(1, noisy),), value=float(value) if held else None)
