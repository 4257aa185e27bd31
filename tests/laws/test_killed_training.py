"""A long training that is killed: the same network in the end, and nothing trained twice."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gensynth.training.report import Report
from tests.support.long_training import EPOCHS, train
from tests.support.trainings import timeless

ROOT = Path(__file__).parents[2]
TRIAL = 2
"""Epochs of each trial of a learning rate."""


def told_until_killed(folder: Path, lines: int) -> list[str]:
    """Train in a process of its own and kill it once it has told so many epochs."""
    command = [sys.executable, "-m", "tests.support.long_training", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline().strip() for _ in range(lines)]
        process.kill()
    return told


def compared(report: Report) -> Report:
    return replace(report, curve=tuple(timeless(list(report.curve))))


@pytest.mark.parametrize(
    "moment", [TRIAL + 2, 2 * TRIAL + 5], ids=["in a trial", "in the training"]
)
def test_a_killed_training_goes_on_and_ends_the_same(
    moment: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = told_until_killed(tmp_path / "killed", moment)
    again = train(tmp_path / "killed")
    gone_on = capsys.readouterr().out.splitlines()
    assert len(gone_on) == 2 * TRIAL + EPOCHS
    # Nothing that a checkpoint holds is trained again: the very same seconds are told.
    assert gone_on[: moment - 1] == told[: moment - 1]
    whole = train(tmp_path / "whole")
    assert compared(again) == compared(whole)
    weights = [tmp_path / name / "model.safetensors" for name in ("killed", "whole")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
