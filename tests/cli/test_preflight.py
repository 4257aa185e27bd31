"""`gensynth preflight` as a person or a program meets it."""

import json
from pathlib import Path

import pytest

from tests.cli.test_command_line import TOY, run


def written(folder: Path, rules: str) -> Path:
    path = folder / "toy.toml"
    head = TOY.partition("[constraints")[0]
    path.write_text(head + rules, encoding="utf-8")
    return path


def test_the_answer_comes_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toml = written(tmp_path, "[constraints.max_params]\nlimit = 400\n[constraints.top1]\nmin = 9\n")
    code, out, _ = run(capsys, "preflight", toml)
    assert code == 0 and out.startswith("possible: toy: ")
    assert "30 sequences of decisions" in out and "known after training" in out
    assert "Binding constraint: max_params; without it 100.0% are possible." in out
    assert "Latency: " in out and "Time: " in out
    assert out.splitlines()[-1] == f"search: gensynth search {toml}"


def test_the_impossible_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toml = written(tmp_path, "[constraints.max_params]\nlimit = 10\n")
    code, out, _ = run(capsys, "preflight", toml)
    assert code == 1 and out.startswith("impossible as it stands: toy: ")
    assert "max_params: 52 parameters, at most 10" in " ".join(out.split())


def test_json_has_the_same_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toml = written(tmp_path, "[constraints.max_params]\nlimit = 10\n")
    code, out, _ = run(capsys, "preflight", toml, "--json")
    told = json.loads(out)
    assert code == 1 and told["impossible"] and told["open"] == 0 and told["drawn"] == 30
    (rate,) = told["rules"]
    assert (rate["rule"], rate["share"], rate["kept"]) == ("max_params", 0.0, 0)
    assert told["nearest"]["decisions"]["width"] == 2 and told["hours"] is None


def test_a_mistyped_experiment_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toml = written(tmp_path, "[constraints.max_parms]\nlimit = 10\n")
    code, out, err = run(capsys, "preflight", toml)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1 and "did you mean 'max_params'?" in err


OWN = """
import torch
from torch import nn


def network(classes: int, channels: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(channels, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(4, classes))
"""
RULES = """
[constraints.as_good]
use = "top1"
reference = "own_reference:NAME"
margin = 5

[constraints.as_fast]
use = "max_latency_ratio"
reference = "own_reference:NAME"
limit = 1e6
"""


@pytest.mark.slow
def test_a_network_of_ones_own_is_a_reference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own_reference.py").write_text(OWN, encoding="utf-8")
    toml = written(tmp_path, RULES.replace("NAME", "network"))
    code, out, _ = run(capsys, "preflight", toml, "--json", "--samples", "20")
    told = json.loads(out)
    assert code == 0 and not told["impossible"]
    assert [rate["rule"] for rate in told["rules"]] == ["as_good", "as_fast"]
    assert told["latency"]["timed"] >= 3
    assert "own_reference:network" in told["latency"]["question"]
    toml = written(tmp_path, RULES.replace("NAME", "netwrk"))
    code, out, err = run(capsys, "preflight", toml)
    assert (code, out, err.count("gensynth: ")) == (2, "", 1)
    assert "netwrk" in err.splitlines()[-1] and "reference" in err.splitlines()[-1]
