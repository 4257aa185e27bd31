"""`gensynth new` and `gensynth check-plugin`: from nothing to a campaign in three commands."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_command_line import run

CASES = {
    "constraint": ("max_layers", "MaxLayers"),
    "space": ("little_net", "LittleNet"),
    "device": ("my_chip", "MyChip"),
    "early-stopping": ("below_median", "BelowMedian"),
    "format": ("torch_script", "TorchScript"),
}
SEARCHES = {
    "constraint": {"top1", "max_layers"},
    "space": {"top1", "max_params"},
    "device": {"top1", "max_latency_ms"},
    "early-stopping": {"top1"},
}
"""Constraints of the experiment that is written."""


def gensynth(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gensynth", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900)


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
def test_what_is_written_passes_its_own_tests_and_the_conformance_checks(
    kind: str, tmp_path: Path
) -> None:
    name, class_name = CASES[kind]
    written = gensynth(tmp_path, "new", kind, name)
    assert written.returncode == 0, written.stderr
    assert f"next: gensynth check-plugin {name}:{class_name}" in written.stdout
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "."], cwd=tmp_path, capture_output=True, text=True
    )
    assert tests.returncode == 0, tests.stdout
    checked = gensynth(tmp_path, "check-plugin", f"{name}:{class_name}", "--json")
    laws = json.loads(checked.stdout)
    assert checked.returncode == 0 and len(laws) >= 5 and all(law["ok"] for law in laws)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SEARCHES)
def test_three_commands_lead_to_a_campaign_that_uses_it(kind: str, tmp_path: Path) -> None:
    name, class_name = CASES[kind]
    assert gensynth(tmp_path, "new", kind, name).returncode == 0
    assert gensynth(tmp_path, "check-plugin", f"{name}:{class_name}").returncode == 0
    short = ("--executor", "inline", "--trials", "3", "--epochs", "2", "--min-top1", "11")
    searched = gensynth(tmp_path, "search", f"{name}.toml", *short, "--json")
    assert searched.returncode == 0, searched.stderr
    found = json.loads(searched.stdout)
    verdicts = {v["constraint"] for v in found[0]["verdicts"]}
    assert SEARCHES[kind] <= verdicts


@pytest.mark.slow
def test_three_commands_lead_to_an_export_in_a_new_format(tmp_path: Path) -> None:
    written = gensynth(tmp_path, "new", "format", "torch_script")
    last = written.stdout.splitlines()[-1]
    assert last.startswith("then: gensynth export ")
    exported = gensynth(tmp_path, *last.removeprefix("then: gensynth ").split())
    assert exported.returncode == 0, exported.stderr
    assert (tmp_path / "out" / "model.torch_script").exists()


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize(
    "name", ["random", "torch", "constraints", "Bad", "1a", "a-b", "class", "_"]
)
def test_a_name_that_cannot_be_imported_or_would_hide_a_module_is_refused(
    kind: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "new", kind, name, "--to", tmp_path / "out")
    assert (code, out) == (2, "") and err.count("\n") == 1 and name in err
    assert not (tmp_path / "out").exists()


def test_nothing_that_exists_is_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "little_net_blocks.py").write_text("mine")
    code, _, err = run(capsys, "new", "space", "little_net", "--to", tmp_path)
    assert code == 2 and "little_net_blocks.py: exists already" in err
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_plugin_that_breaks_a_law_is_told_which(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "check-plugin", "tests.testing.test_testing:Lenient")
    assert code == 1 and "broken ok exactly if the violation is at most 0" in out
    assert "6 of 7 laws kept" in out


def test_fields_are_given_as_options(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "check-plugin", "max_params")
    assert code == 2 and "max_params.limit: missing" in err
    code, out, _ = run(capsys, "check-plugin", "max_params", "--option", "limit=100")
    assert code == 0 and "7 of 7 laws kept" in out
    code, _, err = run(capsys, "check-plugin", "max_params", "--option", "limit")
    assert code == 2 and "expected KEY=VALUE" in err


@pytest.mark.parametrize("name", ["gensynth", "attendnet", "netscore", "columnar"])
def test_the_kind_of_an_installed_plugin_is_found(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "check-plugin", name)
    assert code == 0 and "laws kept" in out


def test_an_unknown_plugin_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "check-plugin", "colunmar")
    assert code == 2 and "did you mean 'columnar'?" in err
