from pathlib import Path

import pandas as pd
import pytest

from gensynth.errors import InputError
from gensynth.report.trials_file import require_free, write_trials
from tests.support.campaigns import outcome


@pytest.mark.parametrize("name", ["trials.parquet", "trials.csv"])
def test_the_table_reads_back(tmp_path: Path, name: str) -> None:
    told = [outcome(number=0), outcome(number=1, ending="crashed", detail="boom, bang\nbong")]
    file = tmp_path / name
    require_free(file)
    write_trials(told, file)
    table = pd.read_parquet(file) if name.endswith("parquet") else pd.read_csv(file)
    assert list(table["ending"]) == [o.ending for o in told]
    assert table["detail"][1] == "boom, bang\nbong"
    assert list(table["number"]) == [0, 1]
    assert list(table["epochs"]) == [len(o.curve) for o in told]
    names = {c.removeprefix("decision.") for c in table.columns if c.startswith("decision.")}
    assert names == set(told[0].decisions)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("trials.xlsx", "ends in '.xlsx'; write to a file in .parquet or .csv"),
        ("trials", "has no ending"),
        ("taken.csv", "exists; nothing was written"),
        ("nowhere/trials.csv", "is not a folder"),
    ],
)
def test_what_cannot_be_written_is_said_before(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "taken.csv").write_text("mine")
    with pytest.raises(InputError, match=told.replace(".", r"\.")):
        require_free(tmp_path / name)
    assert (tmp_path / "taken.csv").read_text() == "mine"


def test_answers_of_several_kinds_fit_into_one_column(tmp_path: Path) -> None:
    told = [
        outcome(number=n, decisions={"x": x}) for n, x in enumerate(["relu", 3, None, True, 2.5])
    ]
    write_trials(told, tmp_path / "t.parquet")
    column = pd.read_parquet(tmp_path / "t.parquet")["decision.x"]
    assert [None if pd.isna(cell) else cell for cell in column] == [
        "relu",
        "3",
        None,
        "True",
        "2.5",
    ]


def test_whole_numbers_stay_whole_where_a_decision_is_not_always_reached(tmp_path: Path) -> None:
    told = [outcome(number=0, decisions={"width": 8}), outcome(number=1)]
    write_trials(told, tmp_path / "t.csv")
    assert "8.0" not in (tmp_path / "t.csv").read_text()
