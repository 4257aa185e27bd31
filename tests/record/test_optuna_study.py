from pathlib import Path

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.errors import InputError
from gensynth.evaluation.constraint import Judgement
from gensynth.evaluation.outcome import Outcome
from gensynth.graph.profile import Profile
from gensynth.record.address import sqlite_url, without_password
from gensynth.record.optuna_study import Record, frame
from gensynth.serialization import dumps, from_plain, loads
from tests.support.campaigns import measurement, outcome

OPTIONS = {"width": (2, 4, 8), "kind": ("a", "b", None)}
COSTS = Profile(params=10, macs=20, weight_bytes=40, peak_activation_bytes=80)
HOLDS = Judgement("top1", "enforce", 10.0, True, -0.1, "fine")
BROKEN = Judgement("max_params", "enforce", 10.0, False, 0.5, "too many")


def feasible(number: int = 0) -> Outcome:
    return outcome(
        number=number,
        decisions={"width": 4, "kind": None},
        profile=COSTS,
        curve=(measurement(1), measurement(2, 91.0)),
        judgements=(HOLDS,),
        score=80.0,
        value=79.0,
    )


def test_outcomes_come_back_as_they_were_told(tmp_path: Path) -> None:
    rows = [feasible(1), outcome(number=0, ending="infeasible", judgements=(BROKEN,), attempt=0)]
    record = Record.open(sqlite_url(tmp_path), "study")
    for row in rows:
        record.add(row, OPTIONS)
    assert record.outcomes() == rows
    assert Record.open(sqlite_url(tmp_path), "study").outcomes() == rows


def test_any_optuna_tool_can_read_the_study(tmp_path: Path) -> None:
    record = Record.open(sqlite_url(tmp_path), "study")
    record.add(feasible(), OPTIONS)
    record.add(outcome(number=1, ending="infeasible", judgements=(BROKEN,)), OPTIONS)
    record.add(outcome(number=2, ending="stopped", curve=(measurement(),)), OPTIONS)
    study = optuna.load_study(study_name="study", storage=sqlite_url(tmp_path))
    complete, infeasible, stopped = study.trials
    assert (complete.value, complete.params) == (79.0, {"width": 4, "kind": None})
    assert complete.constraints == {"top1": -0.1}
    assert complete.intermediate_values == {1: 90.0, 2: 91.0}
    assert infeasible.state == stopped.state == optuna.trial.TrialState.PRUNED
    assert infeasible.constraints == {"max_params": 0.5}
    assert study.best_trial.number == 0
    assert infeasible.user_attrs["enforce max_params"].startswith("broken: ")
    assert study.metric_names == ["pursued value"]


def test_a_trial_lasts_as_long_as_its_training(tmp_path: Path) -> None:
    record = Record.open(sqlite_url(tmp_path), "study")
    record.add(outcome(seconds=90.0), OPTIONS)
    study = optuna.load_study(study_name="study", storage=sqlite_url(tmp_path))
    duration = study.trials[0].duration
    assert duration is not None and duration.total_seconds() == 90.0


def test_a_record_whose_value_has_no_name_yet_is_read(tmp_path: Path) -> None:
    study = optuna.create_study(
        storage=sqlite_url(tmp_path), study_name="study", direction="maximize"
    )
    study.set_user_attr("schema", 1)
    record = Record.open(sqlite_url(tmp_path), "study")
    record.add(feasible(), OPTIONS)
    assert record.outcomes() == [feasible()]


@given(st.floats(allow_nan=False, allow_infinity=False), st.text(), st.integers(0, 99))
def test_an_outcome_survives_json(number: float, text: str, count: int) -> None:
    row = outcome(score=number, value=number, detail=text, number=count, profile=COSTS)
    assert from_plain(Outcome, loads(dumps(row), "row"), "row") == row


def test_a_record_of_another_schema_is_refused_and_untouched(tmp_path: Path) -> None:
    study = optuna.create_study(storage=sqlite_url(tmp_path), study_name="study")
    study.set_user_attr("schema", 99)
    with pytest.raises(InputError, match="schema 99"):
        Record.open(sqlite_url(tmp_path), "study")


def test_an_emptied_database_is_not_filled(tmp_path: Path) -> None:
    (tmp_path / "study.db").touch()
    with pytest.raises(InputError, match="the record is empty; put the file back"):
        Record.open(sqlite_url(tmp_path), "study", create=False)
    assert (tmp_path / "study.db").stat().st_size == 0


def test_a_password_in_the_query_is_not_shown() -> None:
    told = without_password("postgresql://h/d?user=u&password=geheim&sslpassword=s&pass%77ord=x")
    assert told == "postgresql://h/d?user=u"
    assert without_password("sqlite:////a/b.db?timeout=3") == "sqlite:////a/b.db?timeout=3"


def test_a_damaged_database_is_one_clear_line_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "study.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(InputError, match=r"is damaged .*restore it") as caught:
        Record.open(sqlite_url(tmp_path), "study")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "study.db").read_bytes() == b"this is no database" * 100


def test_the_table_has_a_row_for_each_outcome() -> None:
    table = frame([feasible(0), outcome(number=1, ending="diverged")])
    assert list(table["ending"]) == ["completed", "diverged"]
    assert table.loc[0, "decision.width"] == 4 and table.loc[0, "params"] == 10


def test_facts_about_the_campaign_are_kept(tmp_path: Path) -> None:
    record = Record.open(sqlite_url(tmp_path), "study")
    record.note("since", 7)
    assert Record.open(sqlite_url(tmp_path), "study").noted("since") == 7
    assert record.noted("unknown") is None
