"""`gensynth show` as a person or a program meets it."""

import json
import shutil
from pathlib import Path

import pytest

from gensynth.campaign.campaign_folder import driving
from gensynth.executors.inline import run_inline
from gensynth.exports.publish import publish
from tests.cli.test_command_line import TOY, rows, run
from tests.support.campaigns import experiment


@pytest.fixture(scope="module")
def toml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("experiment") / "toy.toml"
    path.write_text(TOY, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def finished(toml: Path) -> Path:
    """A campaign that has run to its end, its winner exported."""
    folder = toml.parent / "run"
    rules = {"max_params": {"limit": 100_000}, "top1": {"min": 1.0}}
    with driving(folder, experiment(trials=4, constraints=rules), None) as campaign:
        run_inline(campaign)
        assert publish(campaign, folder / "best") is not None
    return folder


def test_show_lists_the_best_first(capsys: pytest.CaptureFixture[str], finished: Path) -> None:
    code, shown = rows(capsys, "show", finished)
    values = [row["value"] for row in shown]
    assert code == 0 and values == sorted(values, reverse=True) and len(values) == 4
    assert {"model", "params", "macs", "weight_bytes", "peak_activation_bytes", "top1"} <= set(
        shown[0]
    )
    (winner,) = [row for row in shown if row["finals"] == "exported"]
    assert winner["exported"] == str(finished / "best") and 0 <= winner["test_top1"] <= 100
    verdict = shown[0]["verdicts"][0]
    assert set(verdict) >= {"constraint", "ok", "violation", "offenders", "reason"}


def test_show_says_what_was_exported_while_it_lies_there(
    capsys: pytest.CaptureFixture[str], finished: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    out = run(capsys, "show", folder)[1]
    test = json.loads(run(capsys, "show", folder, "--json")[1])
    (top1,) = [row["test_top1"] for row in test if row["exported"]]
    assert f"test top-1 {top1:.2f} %" in out
    assert f"gensynth predict {folder / 'best'} PICTURE" in out
    (folder / "best" / "genome.json").write_text("{}", encoding="utf-8")
    assert "exported" not in run(capsys, "show", folder)[1]


def test_show_judges_by_other_rules_without_training(
    capsys: pytest.CaptureFixture[str], finished: Path, toml: Path
) -> None:
    stricter = toml.with_name("stricter.toml")
    stricter.write_text(TOY.replace("limit = 100000", "limit = 1"), encoding="utf-8")
    code, shown = rows(capsys, "show", finished, "--experiment", stricter)
    assert (code, shown) == (0, [])
    assert len(rows(capsys, "show", finished)[1]) == 4
