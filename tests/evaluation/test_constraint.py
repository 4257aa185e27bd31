from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.evaluation.constraint import (
    Candidate,
    ConstraintError,
    Indicator,
    Rule,
    Stage,
    Verdict,
    broken,
    feasible,
    price,
    with_top1,
)
from gensynth.graph.graph import Graph, Layer
from gensynth.graph.profile import profile

GRAPH = Graph((Layer("input", "input", (), (3, 4, 4)),))
CANDIDATE = Candidate(GRAPH, profile(GRAPH))
numbers = st.floats(1e-6, 1e12)


@dataclass(frozen=True)
class Says:
    needs: ClassVar[Stage] = "graph"
    verdict: Any = None

    def __call__(self, candidate: Candidate, /) -> Verdict:
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Late(Says):
    needs: ClassVar[Stage] = "proxy"


GOOD, BAD, UNKNOWN = Verdict(True, -0.5, ""), Verdict(False, 0.5, ""), Verdict.not_judged("")


@given(numbers, numbers)
def test_ok_exactly_where_the_violation_is_at_most_zero(value: float, limit: float) -> None:
    for verdict in (Verdict.at_most(value, limit, "m"), Verdict.at_least(value, limit, "m")):
        assert verdict.violation is not None
        assert verdict.ok == (verdict.violation <= 0)
    assert Verdict.at_most(value, limit, "m").ok == (value / limit <= 1)
    assert Verdict.at_least(value, limit, "m").ok == (value / limit >= 1)


@given(numbers, numbers, st.floats(0.01, 1))
def test_tightening_a_limit_never_helps(value: float, limit: float, factor: float) -> None:
    loose, tight = Verdict.at_most(value, limit, ""), Verdict.at_most(value, limit * factor, "")
    assert not (tight.ok and not loose.ok)
    loose, tight = Verdict.at_least(value, limit * factor, ""), Verdict.at_least(value, limit, "")
    assert not (tight.ok and not loose.ok)


def test_offenders_are_named_only_where_a_verdict_is_not_ok() -> None:
    assert Verdict.none_of(["a"], 4, "layers") == Verdict(False, 0.25, "1 of 4 layers", ("a",))
    assert Verdict.none_of([], 0, "layers") == Verdict(True, 0.0, "0 of 0 layers")
    assert Verdict.at_most(1, 2, "m", ["a"]).offenders == ()


@pytest.mark.parametrize(
    ("value", "limit", "reason"),
    [
        (190 / 3, 73, "63.33 m, at least 73"),
        (72.9996, 73, "72.9996 m, at least 73"),
        (1_234_567, 2_400_000, "1,234,567 m, at least 2,400,000"),
    ],
)
def test_a_reason_has_readable_figures(value: float, limit: float, reason: str) -> None:
    assert Verdict.at_least(value, limit, "m").reason == reason


def test_rules_are_asked_cheapest_first_and_only_as_far_as_is_known() -> None:
    rules = Rule("late", Late(GOOD)), Rule("early", Says(GOOD))
    indicator = Indicator(rules)
    assert [j.constraint for j in indicator.judge(CANDIDATE)] == ["early", "late"]
    assert [j.constraint for j in indicator.judge(CANDIDATE, "profile")] == ["early"]


def test_only_enforced_rules_decide_and_what_is_not_judged_does_not_hold() -> None:
    def judged(*rules: Rule) -> bool:
        return feasible(Indicator(rules).judge(CANDIDATE))

    assert judged(Rule("a", Says(GOOD)), Rule("b", Says(BAD), "prefer"))
    assert not judged(Rule("a", Says(UNKNOWN)))
    assert not judged(Rule("a", Says(BAD)))
    rules = Rule("a", Says(UNKNOWN)), Rule("b", Says(BAD)), Rule("c", Says(BAD), "prefer")
    found = Indicator(rules).judge(CANDIDATE)
    assert [j.constraint for j in broken(found)] == ["b"]


def test_preferences_cost_their_weight_by_violation() -> None:
    rules = [Rule("a", Says(BAD), "prefer", 4.0), Rule("b", Says(GOOD), "prefer", 9.0)]
    rules += [Rule("c", Says(BAD), "enforce", 9.0), Rule("d", Says(UNKNOWN), "prefer", 9.0)]
    assert price(Indicator(tuple(rules)).judge(CANDIDATE)) == 2.0


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            ZeroDivisionError("no"),
            r"constraint mine: ZeroDivisionError: no \(test_constraint.py:\d+\)",
        ),
        (True, "constraint mine: returned bool, expected a Verdict"),
        (Verdict(False, float("nan"), ""), "constraint mine: .*the violation is nan"),
    ],
)
def test_a_constraint_that_fails_is_named(answer: Any, message: str) -> None:
    with pytest.raises(ConstraintError, match=message):
        Indicator((Rule("mine", Says(answer)),)).judge(CANDIDATE)


def test_a_supposed_top1_changes_nothing_else() -> None:
    supposed = with_top1(CANDIDATE, 91.5)
    assert supposed.measurement is not None and supposed.measurement.top1 == 91.5
    assert (supposed.graph, supposed.profile) == (CANDIDATE.graph, CANDIDATE.profile)
