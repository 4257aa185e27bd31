from gensynth.cli.rows import Row, table
from gensynth.cli.standings import hindrances
from gensynth.constraint import Judgement
from tests.campaigns import outcome


def too_low(top1: float, mode: str = "enforce") -> tuple[Judgement, ...]:
    judgement = {"constraint": "top1", "mode": mode, "weight": 1.0, "ok": False}
    judgement |= {"violation": (85 - top1) / 85, "reason": f"{top1:g} %, at least 85"}
    return (Judgement(**judgement),)  # type: ignore[arg-type]


def test_the_rules_that_were_broken_are_told_with_the_nearest_miss() -> None:
    trained = [outcome(judgements=too_low(60.0)), outcome(judgements=too_low(80.0)), outcome()]
    assert hindrances(trained) == ["top1: broken by 2 of 3, least by 80 %, at least 85"]


def test_a_preference_that_is_not_kept_hinders_nothing() -> None:
    assert hindrances([outcome(judgements=too_low(60.0, "prefer"))]) == []


def test_the_reasons_of_crashes_are_told_the_commonest_first() -> None:
    crashed = [outcome(ending="crashed", detail=why) for why in ("no CUDA", "boom", "boom")]
    assert hindrances(crashed) == ["crashed (2): boom", "crashed (1): no CUDA"]


def headings(*rows: Row) -> list[object]:
    return [column.header for column in table(rows).columns]


def test_the_pursued_value_is_a_column_where_it_is_not_the_score() -> None:
    priced = Row("a", top1=90.0, score=124.0, value=123.0)
    free = Row("b", top1=90.0, score=122.0, value=122.0)
    assert "value dB" in headings(free, priced)
    assert "value dB" not in headings(free) and "score dB" in headings(free)
