import math

import numpy as np
import pandas as pd
import pytest

from experiments.benchmarks.table_problem import Limit, TableProblem
from gensynth.errors import InputError
from gensynth.evaluation.score import NetScore
from gensynth.generators.protocol import Proposal
from gensynth.genome import Decisions
from gensynth.space import Draw, Recording, enumerate_decisions

TABLE = pd.DataFrame(
    {
        "op": ["conv", "conv", "skip", "conv"],
        "width": [32.0, 8.0, np.nan, 16.0],
        "top1": [90.0, 80.0, 50.0, 85.0],
        "params": [4000, 1000, 100, 2000],
        "macs": [8000, 2000, 100, 4000],
        "ms": [3.0, 1.0, 0.5, 2.0],
    }
)


def problem(*limits: str, score: NetScore | None = None) -> TableProblem:
    parsed = tuple(Limit.parse(text) for text in limits)
    return TableProblem(TABLE, ("op", "width"), score=score, limits=parsed)


def test_rows_are_all_there_is_and_numbers_are_in_order() -> None:
    found = list(enumerate_decisions(problem()))
    assert [(d["op"], d.get("width")) for d in found] == [
        ("conv", 8.0),
        ("conv", 16.0),
        ("conv", 32.0),
        ("skip", None),
    ]


def test_a_missing_cell_is_a_decision_that_is_not_reached() -> None:
    record = Recording(lambda name, options: options[-1])
    assert problem().sample(record) == 2
    assert "width" not in record.decisions


def test_only_known_columns_are_foreseen() -> None:
    foresight = problem("ms<=2", "top1>=82", "params<=2000").foresee({"op": "conv", "width": 32.0})
    assert foresight.violations == {"params<=2000": 1.0}
    assert foresight.features == {"params": math.log10(4000), "macs": math.log10(8000)}


def test_looking_up_a_row_is_a_training() -> None:
    task = problem("ms<=2", "top1>=82", score=NetScore())
    good = task.train(Proposal({"op": "conv", "width": 16.0}, seed=7), number=3)
    assert good.value == pytest.approx(NetScore().of(85.0, 2000, 4000))
    assert (good.seed, good.number, good.top1) == (7, 3, 85.0)
    bad = task.train(Proposal({"op": "conv", "width": 32.0}))
    assert bad.value is None
    assert [j.violation for j in bad.judgements] == [0.5, pytest.approx(1 - 90 / 82)]


def test_prospects_agree_with_what_training_finds() -> None:
    task = problem("top1>=82", score=NetScore())
    decisions: Decisions = {"op": "conv", "width": 16.0}
    prospect = task.prospect(task.foresee(decisions), np.array([85.0, 41.0, -1.0]))
    assert prospect.value[0] == pytest.approx(task.train(Proposal(decisions)).value)
    assert prospect.violation.tolist()[:2] == [0.0, 0.5]
    assert math.isnan(prospect.value[2])
    assert prospect.decided == ("top1>=82",)


def test_values_of_all_rows_are_nan_where_a_limit_is_broken() -> None:
    assert np.isnan(problem("ms<=2", "top1>=82").values()).tolist() == [True, True, True, False]


def test_unknown_columns_and_limits_are_named() -> None:
    with pytest.raises(InputError, match="did you mean 'top1'"):
        TableProblem(TABLE, ("op",), measured="top")
    with pytest.raises(InputError, match="COLUMN>=NUMBER"):
        Limit.parse("top1>90%")


def test_draws_reach_every_row() -> None:
    rng = np.random.default_rng(0)
    assert {problem().sample(Draw(rng)) for _ in range(40)} == {0, 1, 2, 3}


def test_rows_with_the_same_decisions_are_refused() -> None:
    with pytest.raises(InputError, match=r"rows 0 and 1 .* same decisions"):
        TableProblem(TABLE, ("op",))


def test_a_missing_measurement_is_a_training_that_failed() -> None:
    table = TABLE.assign(top1=[np.nan, 80.0, 50.0, 85.0])
    task = TableProblem(table, ("op", "width"), limits=[Limit.parse("top1>=60")])
    lost = task.train(Proposal({"op": "conv", "width": 32.0}))
    assert (lost.ending, lost.value, lost.curve) == ("diverged", None, ())
    assert [j.violation for j in lost.judgements] == [1.0]


def test_costs_with_holes_are_not_known_before_training() -> None:
    table = TABLE.assign(params=[4000, 1000, 100, np.nan], macs=[np.nan, 2000, 100, 4000])
    task = TableProblem(table, ("op", "width"), score=NetScore())
    assert task.foresee({"op": "conv", "width": 16.0}).features == {}
    assert np.isnan(task.values()).tolist() == [True, False, False, True]


def test_what_is_measured_is_not_known_before() -> None:
    task = TableProblem(TABLE, ("op", "width"), measured="params")
    assert set(task.foresee({"op": "conv", "width": 16.0}).features) == {"macs"}


def test_words_without_numbers_and_cells_without_words_are_named() -> None:
    with pytest.raises(InputError, match="op: holds words"):
        TableProblem(TABLE, ("width",), measured="op")
    with pytest.raises(InputError, match="op: list in row 0"):
        TableProblem(TABLE.assign(op=pd.Series([[1]] * 4, dtype=object)), ("op", "width"))
    for empty, columns in ((TABLE, ()), (TABLE.iloc[:0], ("op",))):
        with pytest.raises(InputError, match="table: no"):
            TableProblem(empty, columns)
    with pytest.raises(InputError, match="COLUMN>=NUMBER"):
        Limit.parse("top1>=nan")
