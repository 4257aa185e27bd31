import json
import pickle
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.benchmarks import sample_efficiency
from experiments.benchmarks.efficiency_report import Run, Task, band, show
from experiments.benchmarks.permuted_table import kept, permuted, read
from experiments.benchmarks.sample_efficiency import goal, problem_of
from gensynth.errors import InputError
from gensynth.space import enumerate_decisions

ROWS = [
    (op, flag, width)
    for op in ("conv", "None", "skip")
    for flag in ((True, False) if op == "conv" else (None,))
    for width in (1, 2, 4)
]
TABLE = pd.DataFrame(ROWS, columns=["d_op", "d_flag", "d_width"])
TABLE["top1"] = np.arange(len(TABLE), dtype=float)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    path = tmp_path / "table.parquet"
    TABLE.to_parquet(path)
    return Task(str(path), "d_*", "top1", None, (), None, "optimum", "words", "{}", 8)


def run(number: int, reached: int | None) -> Run:
    return Run("random", number, reached, (None,), (None,), (), 0.0, 8)


@pytest.mark.parametrize("number", range(3))
def test_permuting_keeps_every_network_of_mixed_columns(task: Task, number: int) -> None:
    problem = problem_of(task, number)
    assert len(list(enumerate_decisions(problem))) == len(TABLE)
    plain = problem_of(replace(task, permute="none"), number)
    assert sorted(problem.values()) == sorted(plain.values())


def test_words_move_and_numbers_stay() -> None:
    columns = ["d_op", "d_width"]
    found = [permuted(TABLE, columns, number, each=False) for number in range(6)]
    words = {tuple(table[names[0]]) for table, names in found}
    assert len(words) > 1
    assert {tuple(table[names[1]]) for table, names in found} == {tuple(TABLE["d_width"])}


def test_categories_of_numbers_stay_numbers() -> None:
    table = TABLE.assign(d_width=TABLE["d_width"].astype("category"))
    renamed, columns = permuted(table, ["d_width"], 0, each=False)
    assert list(renamed[columns[0]]) == list(TABLE["d_width"])


def test_none_is_a_word_in_a_csv_and_an_empty_cell_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    TABLE.to_csv(path, index=False)
    table = read(str(path), "d_*")
    assert list(table["d_op"]) == list(TABLE["d_op"])
    assert table["d_flag"].isna().tolist() == TABLE["d_flag"].isna().tolist()


def test_a_decision_is_not_limited_or_measured_too(task: Task) -> None:
    with pytest.raises(InputError, match="'d_width'"):
        problem_of(replace(task, enforce=("d_width<=2",)), 0)
    with pytest.raises(InputError, match="narrower pattern"):
        problem_of(replace(task, decisions="*"), 0)


def test_where_takes_truth_values_only() -> None:
    table = TABLE.assign(ok="False", some=pd.Series([None, True] * 6, dtype=object))
    assert len(kept(table, "some")) == 6
    with pytest.raises(InputError, match="other than true and false"):
        kept(table, "ok")


@pytest.mark.parametrize("target", ["top0", "top-1", "top4", "within:-1", "within:nan", "2"])
def test_targets_outside_the_table_are_refused(target: str) -> None:
    with pytest.raises(InputError, match="topN with N in 1 to 3"):
        goal(np.array([1.0, 2.0, np.nan, 3.0]), target)


def test_a_generator_that_repeats_the_optimum_is_not_asked_for_ever(task: Task) -> None:
    found = sample_efficiency._run(replace(task, budget=12), "random", 4)
    assert found.reached is not None
    assert (found.proposals, len(found.best)) == (12, 12)
    assert found.best[-1] == max(TABLE["top1"])
    assert found.regret[-1] == 0.0


def test_what_was_not_reached_is_more_than_the_budget(
    task: Task, capsys: pytest.CaptureFixture[str]
) -> None:
    show(task, ["random"], [run(0, 2), run(1, None)])
    evaluations, quartiles, most = capsys.readouterr().out.splitlines()[4].split("│")[2:5]
    assert [cell.strip() for cell in (evaluations, quartiles, most)] == [">8"] * 3
    show(task, ["random"], [run(0, 2), run(1, 4), run(2, None)])
    assert capsys.readouterr().out.splitlines()[4].split("│")[2].strip() == "4"
    assert not len(band("random", [run(0, None)]).steps)


def test_an_error_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(InputError("--enforce", "wrong")))
    assert (error.place, error.problem, str(error)) == ("--enforce", "wrong", "--enforce: wrong")


def test_figures_are_written(task: Task, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found, drawn = tmp_path / "runs.json", tmp_path / "curves.svg"
    words = ["x", task.table, "--decisions", "d_*", "--maximize", "top1", "--generators", "random"]
    words += ["--runs", "2", "--budget", "4", "--jobs", "1"]
    monkeypatch.setattr(sys, "argv", [*words, "--json", str(found), "--plot", str(drawn)])
    sample_efficiency.main()
    assert len(json.loads(found.read_text())["runs"]) == 2
    assert drawn.read_text().startswith("<svg")
    missing = str(tmp_path / "missing" / "runs.json")
    monkeypatch.setattr(sys, "argv", [*words, "--json", missing])
    with pytest.raises(InputError, match="make it first"):
        sample_efficiency.main()
