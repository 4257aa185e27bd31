"""Shorthands on the command line, and `gensynth init`."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gensynth.api.shorthands import SHORTHANDS
from gensynth.campaign.experiment import read_experiment
from tests.cli.test_command_line import run

TYPED = [word for each in SHORTHANDS.values() for word in (each.option, each.example)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["score", "--top1", "0.5388", "--params", "1", "--macs", "1"], "did you mean 53.88?"),
        (["score", "--top1", "101", "--params", "1", "--macs", "1"], "must be from 0 to 100"),
        (["search", "--max-params", "0"], "--max-params: must be above 0"),
        (["search", "--max-latency", "5 min"], "--max-latency: unknown unit 'min'"),
        (["search", "--max-weight-bytes", "64KB"], "--max-weight-bytes: '64KB' is ambiguous"),
        (["search", "--min-top1", "0.85"], "--min-top1: 0.85 is less than 1 percent; did you"),
        (["search", "--epochs", "many"], "--epochs: expected an integer"),
        (["search", "--max-parms", "3"], "--max-params"),
        (["predcit"], "Did you mean 'predict'"),
    ],
)
def test_a_mistake_is_one_line_that_names_what_was_typed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    words: list[str], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *words)
    assert code == 2 and message in err and out == "" and err.count("\n") == 1


def test_init_writes_what_was_typed_and_says_how_to_go_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(capsys, "init", "my.toml", *TYPED, "--trials", "3", "--score", "accuracy")
    assert code == 0 and "gensynth preflight my.toml" in out and "gensynth search my.toml" in out
    plain = tomllib.loads(Path("my.toml").read_text(encoding="utf-8"))
    assert plain["constraints"]["max_params"]["limit"] == "200k" and plain["trials"] == 3
    found = read_experiment(Path("my.toml"))
    assert (found.proxy.epochs, found.score.use) == (20, "accuracy")
    assert run(capsys, "init", "my.toml")[0] == 2


@pytest.mark.parametrize("command", ["search", "preflight", "init", "generate"])
def test_every_shorthand_is_listed_by_the_commands_that_take_it(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    shown = run(capsys, command, "--help")[1]
    for each in SHORTHANDS.values():
        assert (each.option in shown) == (command != "generate" or bool(each.plugin))


def test_a_shell_completes_commands() -> None:
    asked = {"_GENSYNTH_COMPLETE": "complete_bash", "COMP_WORDS": "gensynth pre", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "gensynth"], capture_output=True, text=True,
        env={**asked, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert sorted(done.stdout.split()) == ["predict", "preflight"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_output_in_a_locale_without_utf8_has_plain_characters(encoding: str) -> None:
    command = [sys.executable, "-m", "gensynth", "boards"]
    told = os.environ | {"PYTHONIOENCODING": encoding, "COLUMNS": "80"}
    done = subprocess.run(command, env=told, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(encoding)
    assert "----" in done.stdout.decode(encoding)
