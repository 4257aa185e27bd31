"""Ctrl-C: once, and running trainings are saved; twice, and it ends at once; nothing is lost."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gensynth.campaign.campaign import Done
from gensynth.evaluation.measurement import Measurement
from gensynth.executors.inline import run_inline
from gensynth.process import Interruption, patient
from gensynth.training import checkpoint
from tests.cli.test_command_line import ROOT, with_tests_importable
from tests.support.campaigns import campaign, comparable

EPOCHS = {"epochs": 30}
NEVER = {"checkpoint_s": 1e6}

TABLE = """
executor = "inline"
generator = "random"
trials = 3
space = "tests.support.toy_space:ToySpace"
[constraints]
[proxy]
epochs = {epochs}
[finals]
candidates = 1
replicas = 1
epochs_factor = 0.01
[last_training]
epochs_factor = 0.01
[resources]
checkpoint_s = {checkpoint_s}
"""


def test_the_first_signal_asks_and_the_second_one_is_meant() -> None:
    before = signal.getsignal(signal.SIGINT)  # Ignored, where this runs in a shell's background.
    with patient() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        assert interruption.asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_what_is_interrupted_goes_on_from_its_last_epoch(tmp_path: Path) -> None:
    """The rows are those of a campaign that nobody interrupted."""
    with campaign(tmp_path / "whole", trials=2, proxy=EPOCHS, resources=NEVER) as opened:
        run_inline(opened)
        whole = comparable(opened.outcomes)
    with campaign(tmp_path / "parts", trials=2, proxy=EPOCHS, resources=NEVER) as opened:
        interruption, real = Interruption(), opened.report

        def report(job: object, measurement: object) -> bool:
            if measurement.epoch == 7:  # type: ignore[attr-defined]
                interruption.ask()
            return real(job, measurement)  # type: ignore[arg-type]

        opened.report = report  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            run_inline(opened, interruption=interruption)
        assert opened.outcomes == []
    (saved,) = tmp_path.glob(f"parts/candidates/*/{checkpoint.CHECKPOINT}")
    seconds = [m.seconds for m in curve_of(saved)]
    assert len(seconds) == 8  # The epoch that ran when it was asked for came to its end.
    with campaign(tmp_path / "parts", trials=2, proxy=EPOCHS, resources=NEVER) as opened:
        assert run_inline(opened) == Done("finished")
        assert [m.seconds for m in opened.outcomes[0].curve][:8] == seconds
        assert comparable(opened.outcomes) == whole


def curve_of(file: Path) -> tuple[Measurement, ...]:
    from safetensors import safe_open

    from gensynth.serialization import from_plain, loads

    with safe_open(file, framework="np") as opened:
        text = opened.metadata()["curve"]
    return from_plain(tuple[Measurement, ...], loads(text, ""), "")


def search(
    folder: Path, epochs: int, *more: str, checkpoint_s: float = 1e6
) -> "subprocess.Popen[str]":
    folder.mkdir()
    (folder / "toy.toml").write_text(TABLE.format(epochs=epochs, checkpoint_s=checkpoint_s))
    words = ["search", str(folder / "toy.toml"), "--out", str(folder / "run"), *more]
    return subprocess.Popen(
        [sys.executable, "-m", "gensynth", *words],
        env=with_tests_importable(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_a_job(process: "subprocess.Popen[str]", folder: Path) -> None:
    deadline = time.monotonic() + 900
    while not list(folder.glob("run/candidates/*/job.json")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)


def wait_for_a_checkpoint(process: "subprocess.Popen[str]", folder: Path) -> Path:
    wait_for_a_job(process, folder)
    while not (saved := list(folder.glob(f"run/candidates/*/{checkpoint.CHECKPOINT}"))):
        assert process.poll() is None
        time.sleep(0.05)
    return saved[0]


@pytest.mark.slow
def test_ctrl_c_saves_what_runs_and_says_how_to_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "once"
    process = search(folder, 100_000, "--seed", "3", "--trials", "2", checkpoint_s=5.0)
    saved = wait_for_a_checkpoint(process, folder)
    before = len(curve_of(saved))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=900)
    assert process.returncode == 130
    assert "ended: none yet" in out
    command = f"gensynth search {folder / 'toy.toml'} --out {folder / 'run'} --trials 2 --seed 3"
    assert f"Recorded outcomes: 0; trainings to resume: 1. Resume with:\n{command}" in err
    assert "Traceback" not in err
    assert len(curve_of(saved)) > before


@pytest.mark.slow
def test_ctrl_c_twice_ends_at_once_and_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "twice"
    process = search(folder, 100_000)
    wait_for_a_job(process, folder)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=900)
    assert process.returncode == 130 and "Traceback" not in err
    assert len(list(folder.glob("run/candidates/*/job.json"))) == 1


@pytest.mark.slow
def test_ctrl_c_on_ray_saves_what_runs(tmp_path: Path) -> None:
    folder = tmp_path / "ray"
    process = search(folder, 100_000, "--executor", "ray", checkpoint_s=20.0)
    saved = wait_for_a_checkpoint(process, folder)
    before = len(curve_of(saved))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=900)
    assert process.returncode == 130 and "Traceback" not in err
    assert len(curve_of(saved)) > before
