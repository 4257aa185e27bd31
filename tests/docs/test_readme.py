"""What the README shows is run, as it stands there."""

import re
import shlex
from pathlib import Path

import pytest

from gensynth.campaign.experiment import read_experiment
from gensynth.cli import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def block(language: str, part: str) -> str:
    return next(text for text in blocks(language) if part in text)


def test_the_experiment_and_the_constraint_beside_it_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "limits.py").write_text(block("python", "class MaxLayers"))
    toml = block("toml", "# my.toml") + block("toml", "limits:MaxLayers")
    (tmp_path / "my.toml").write_text(toml)
    experiment = read_experiment(tmp_path / "my.toml")
    names = [rule.name for rule in experiment.make_indicator().rules]
    assert names == ["strided_pointwise", "top1", "max_params", "columnar", "layers"]
    assert experiment.make_space().presets


@pytest.mark.parametrize("line", ["check", "score"])
def test_the_commands_on_known_networks_run(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = next(c for c in block("sh", f"gensynth {line}").splitlines() if f" {line} " in c)
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(command)[1:])
    assert ended.value.code == 0 and "attendnext:xa325" in capsys.readouterr().out


def test_the_set_up_commands_are_those_that_ci_runs() -> None:
    ci = (Path(__file__).parents[2] / ".ci" / "run").read_text(encoding="utf-8")
    assert block("sh", "pytest").strip() in ci


def test_the_rules_about_a_device_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "device.toml"
    path.write_text('space = "attendnext"\n' + block("toml", "max_latency_ratio"))
    experiment = read_experiment(path)
    questions = [str(question) for question in experiment.make_indicator().questions]
    assert questions == [
        "onnxruntime, 1 thread, batch 1 on here against timm:fbnetc_100",
        "onnxruntime, 1 thread, batch 1 on cortex-a72",
    ]
    assert experiment.make_score().latency_question() == experiment.make_indicator().questions[0]  # type: ignore[attr-defined]
    assert read_experiment(ROOT / "experiments" / "digits_latency.toml").make_indicator().questions
