from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pytest

from gensynth.campaign.beliefs import Belief, Beliefs
from gensynth.campaign.experiment_tables import Finals, Front
from gensynth.campaign.finals import Race, confirmed_front, finalists, winner
from gensynth.evaluation.confidence import lower_bound, reachable_bound
from gensynth.evaluation.evaluator import CandidateEvaluation
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome, Purpose
from gensynth.graph.profile import Profile

FLOOR = 84.0
BONUS = {"a": 60.0, "b": 58.0, "c": 50.0}
"""What a network's value is above its accuracy: the smaller the network, the more."""


def row(name: str, top1: float, purpose: Purpose = "search", number: int = 0) -> Outcome:
    value = top1 + BONUS[name] if top1 >= FLOOR else None
    curve = (Measurement(1, top1, 0.5, 1.0),)
    return Outcome(number, 0, {}, name, name, "completed", purpose, curve=curve, value=value)


def judge(outcome: Outcome, top1: float) -> CandidateEvaluation:
    value = top1 + BONUS[outcome.genome_id] if top1 >= FLOOR else None
    return CandidateEvaluation((), value, value)


def race(beliefs: Beliefs | None = None) -> Race:
    return Race(Finals(candidates=2, most=3), 3_000, judge, beliefs)


def beliefs(**means: float) -> Beliefs:
    networks = {name: Belief(mean, 0.3) for name, mean in means.items()}
    return Beliefs(3, networks, noise=0.7, reserve=0.8)


SEARCH = [row("a", 84.2, number=0), row("b", 86.0, number=1), row("c", 90.0, number=2)]


def finals(name: str, *top1s: float) -> list[Outcome]:
    return [row(name, top1, "final", 10 + n) for n, top1 in enumerate(top1s)]


@pytest.mark.parametrize("top1s", [(83.0,), (84.5,), (84.0, 85.0), (83.0, 86.0), (84.0, 84.0)])
def test_no_further_training_leads_beyond_the_reachable_bound(top1s: Sequence[float]) -> None:
    reached = reachable_bound(top1s, 3, 3_000)
    ends = [k / 4 for k in range(4 * 70, 401)]
    further: list[tuple[float, ...]] = [(one,) for one in ends]
    if len(top1s) == 1:  # Two alike, in small steps, and any two, in large ones.
        further = [*((one, one) for one in ends), *product(ends[::10], repeat=2)]
    bounds = [lower_bound([*top1s, *others], 3_000) for others in further]
    assert max(bounds) <= reached + 1e-6
    assert reached <= max(bounds) + 0.1


def test_a_finalist_that_cannot_hold_any_more_is_not_trained_again() -> None:
    first, *_ = finalists([*SEARCH, *finals("c", 81.0)], race())[::-1]
    assert [f.outcome.genome_id for f in finalists(SEARCH, race())] == ["a", "b"]
    over, going = finalists([*SEARCH, *finals("a", 82.0), *finals("b", 86.0)], race())
    assert over.refused and over.missing == 0 and len(over.replicas) == 1
    assert going.missing == 2 and not going.refused
    assert first.outcome.genome_id == "b"


def test_the_finals_follow_what_is_believed_and_not_what_luck_measured() -> None:
    """`a` was measured above the floor by luck; `b` will hold; `c` holds with the least value."""
    order = race(beliefs(a=83.0, b=85.5, c=90.0)).order(SEARCH)
    assert [o.genome_id for o in order] == ["b", "c"], "a is hopeless"
    surer = race(beliefs(a=85.3, b=84.3, c=90.0)).order(SEARCH)
    assert [o.genome_id for o in surer] == ["a", "c", "b"]


def test_who_is_unlikely_to_beat_a_confirmed_finalist_is_passed_over_and_not_refuted() -> None:
    rows = [*SEARCH, *finals("a", 86.0, 86.1, 86.2)]
    likely = {
        f.outcome.genome_id: f for f in finalists(rows, race(beliefs(a=86.0, b=92.0, c=86.0)))
    }
    assert likely["b"].missing == 3 and not likely["b"].passed
    won, other = finalists(rows, race(beliefs(a=86.0, b=86.0, c=86.0)))
    assert winner([won, other]) is won and won.value == pytest.approx(146.1)
    assert other.passed and other.missing == 0 and not other.refused


def test_a_training_of_the_search_at_the_finals_length_counts_in_the_finals() -> None:
    early = row("a", 86.0, "longer", 5)
    first, _ = finalists([*SEARCH, early], race())
    assert first.missing == 2 and first.replicas == (early,)


def test_without_beliefs_the_measured_values_rank() -> None:
    assert [o.genome_id for o in race().order(SEARCH)] == ["a", "b", "c"]
    twice = [*SEARCH, replace(SEARCH[0], number=7)]
    assert len(race().order(twice)) == 3


# Of a front -----------------------------------------------------------------------------------

SIZES = {"a": 100, "b": 200, "c": 400}


def sized(name: str, top1: float, purpose: Purpose = "search", number: int = 0) -> Outcome:
    profile = Profile(SIZES[name], 10 * SIZES[name], 4 * SIZES[name], 100)
    return replace(row(name, top1, purpose, number), profile=profile, value=top1)


def judge_any(outcome: Outcome, top1: float) -> CandidateEvaluation:
    return CandidateEvaluation((), top1, top1)


def front_race(tolerance: float = 1.0, **means: float) -> Race:
    asked = Front(("params", "macs"), tolerance)
    return Race(
        Finals(candidates=3, most=3, replicas=2), 3_000, judge_any, beliefs(**means), asked, 0.3
    )


SIZED = [sized(name, top1, number=n) for n, (name, top1) in enumerate([("a", 80.0), ("b", 88.0)])]
SIZED.append(sized("c", 88.5, number=2))


def test_the_finals_of_a_front_confirm_its_members_and_recommend_the_cheapest_of_the_best() -> None:
    race = front_race(a=80.0, b=88.0, c=88.5)
    assert {f.outcome.genome_id for f in finalists(SIZED, race)} == {"a", "b", "c"}
    tops = {"a": 80.0, "b": 88.0, "c": 88.6}
    long = [sized(n, t + e, "final", 9) for n, t in tops.items() for e in (0.0, 0.2)]
    ended = finalists([*SIZED, *long], race)
    assert winner(ended) is not None and winner(ended) == next(f for f in ended if f.recommended)
    assert [f.outcome.genome_id for f in ended if f.recommended] == ["b"]
    assert [f.outcome.genome_id for f in confirmed_front(ended, ("params",))] == ["a", "b", "c"]
    strict = finalists([*SIZED, *long], front_race(tolerance=0.1, a=80.0, b=88.0, c=88.5))
    assert [f.outcome.genome_id for f in strict if f.recommended] == ["c"]


def test_a_member_is_passed_over_only_for_one_that_costs_no_more() -> None:
    """`b` is confirmed far above what is believed of `c`, which costs more, and of `a`."""
    long = [sized("b", top1, "final", 9) for top1 in (95.0, 95.2)]
    ended = {
        f.outcome.genome_id: f for f in finalists([*SIZED, *long], front_race(a=80, b=88, c=88.5))
    }
    assert ended["c"].passed and ended["a"].missing == 2 and not ended["a"].passed


def test_a_training_goes_on_if_fewer_are_as_good_at_no_higher_costs() -> None:
    race = replace(front_race(), finals=Finals(candidates=1))
    cheap, dear = sized("a", 0.0, number=7), sized("c", 0.0, number=8)
    assert race.admits(cheap, 79.0, SIZED[1:]) and not race.admits(dear, 79.0, SIZED[1:])
    single = replace(race, front=Front())
    assert not single.admits(cheap, 79.0, SIZED[1:]) and single.admits(cheap, 89.0, SIZED)
