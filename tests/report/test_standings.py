from pathlib import Path

import pytest
from rich.text import Text

from gensynth.campaign.finals import Finalist
from gensynth.evaluation.constraint import Judgement
from gensynth.exports.publish import Published
from gensynth.report.network_assessment import Assessment
from gensynth.report.standings import hindrances, marks_of
from gensynth.report.tables import table
from gensynth.report.words import two_digits
from tests.support.campaigns import outcome


def too_low(top1: float, mode: str = "enforce") -> tuple[Judgement, ...]:
    judgement = {"constraint": "top1", "mode": mode, "weight": 1.0, "ok": False}
    judgement |= {"violation": (85 - top1) / 85, "reason": f"{top1:g} %, at least 85"}
    return (Judgement(**judgement),)  # type: ignore[arg-type]


def test_the_rules_that_were_broken_are_told_with_the_nearest_miss() -> None:
    trained = [outcome(judgements=too_low(60.0)), outcome(judgements=too_low(80.0)), outcome()]
    assert hindrances(trained) == ["top1: missed by 2 of 3; nearest: 80 %, at least 85"]


def test_a_preference_that_is_not_kept_hinders_nothing() -> None:
    assert hindrances([outcome(judgements=too_low(60.0, "prefer"))]) == []


def test_the_reasons_of_crashes_are_told_the_commonest_first() -> None:
    crashed = [outcome(ending="crashed", detail=why) for why in ("no CUDA", "boom", "boom")]
    assert hindrances(crashed) == ["crashed (2): boom", "crashed (1): no CUDA"]


@pytest.mark.parametrize("mark", ["exported", "refuted", "undecided", "holds"])
def test_what_the_finals_made_of_a_candidate_stands_beside_its_name(mark: str) -> None:
    ((named, *_),) = table([Assessment("7 (abc)", finals=mark)]).rows
    assert Text.from_markup(named).plain == f"7 (abc) {mark}"


def test_the_marks_tell_the_refuted_from_the_exported() -> None:
    rows = [outcome(number=n) for n in range(4)]
    refuted = Finalist(rows[0], (), 0, bound=80.0, mean=81.0)
    held = Finalist(rows[1], (), 0, bound=90.0, mean=91.0, value=120.0)
    better = Finalist(rows[2], (), 0, bound=90.0, mean=91.0, value=130.0)
    going = Finalist(rows[3], (), 1)
    passed = Finalist(outcome(number=4), (), 0, passed=True)
    assert marks_of([passed], None) == {4: "passed over"}
    published = Published(Path("best"), better, rows[2])
    finalists = refuted, held, better, going
    told = {0: "refuted", 1: "holds", 2: "exported", 3: "undecided"}
    assert marks_of(finalists, published) == told
    assert marks_of(finalists, None) == told | {2: "holds"}


def headings(*rows: Assessment) -> tuple[str, ...]:
    return table(rows).headings


def test_the_pursued_value_is_a_column_where_it_is_not_the_score() -> None:
    priced = Assessment("a", top1=90.0, score=124.0, value=123.0)
    free = Assessment("b", top1=90.0, score=122.0, value=122.0)
    assert "value dB" in headings(free, priced)
    assert "value dB" not in headings(free) and "score dB" in headings(free)


@pytest.mark.parametrize(
    ("number", "written"),
    [(0.0254, "0.025"), (9.96, "10"), (99.6, "100"), (1789.0, "1,800"), (999_999.0, "1e+06")],
)
def test_two_digits_have_no_exponent_below_a_million(number: float, written: str) -> None:
    assert two_digits(number) == written
