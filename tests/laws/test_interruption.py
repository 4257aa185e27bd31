"""Ctrl-C: once, and running trainings are saved; twice, and it ends at once; nothing is lost."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gensynth.campaign.campaign import Done
from gensynth.cli import main
from gensynth.evaluation.measurement import Measurement
from gensynth.executors.inline import run_inline
from gensynth.process import Interruption, exit_code, patient
from gensynth.training import checkpoint
from tests.cli.test_command_line import ROOT, with_tests_importable
from tests.support.campaigns import campaign, comparable
from tests.support.systems import linux

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


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_the_first_signal_asks_and_the_second_one_is_meant(number: int, code: int) -> None:
    own = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, own)  # In the background, or by `nohup`, some are ignored.
    with patient() as interruption:
        os.kill(os.getpid(), number)
        assert interruption.asked
        with pytest.raises(KeyboardInterrupt) as again:
            os.kill(os.getpid(), number)
        assert exit_code(again.value) == code
        signal.signal(number, signal.SIG_DFL)  # As a library might.
        interruption.install_again()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.signal(number, before) is own


def test_nohup_is_respected() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with patient() as interruption:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not interruption.asked
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_command_that_a_signal_ends_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    def ended(*arguments: object, **options: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gensynth.cli.app.app", ended)
        with pytest.raises(SystemExit) as end:
            main(["plugins"])
    assert end.value.code == 143
    assert capsys.readouterr().err == "gensynth: interrupted\n"


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
        preexec_fn=hearing,
    )


def hearing() -> None:
    """Undo what `nohup` and a shell's background jobs hand down: ignored signals."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


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
@pytest.mark.parametrize(("number", "code"), [SIGNALS[0], SIGNALS[2]])
def test_ctrl_c_saves_what_runs_and_says_how_to_go_on(
    tmp_path: Path, number: int, code: int
) -> None:
    folder = tmp_path / "once"
    process = search(folder, 100_000, "--seed", "3", "--trials", "2", checkpoint_s=5.0)
    saved = wait_for_a_checkpoint(process, folder)
    before = len(curve_of(saved))
    process.send_signal(number)
    out, err = process.communicate(timeout=900)
    assert process.returncode == code
    assert (folder / "run" / "report.html").exists()
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
def test_sigterm_on_ray_saves_what_runs(tmp_path: Path) -> None:
    folder = tmp_path / "ray"
    process = search(folder, 100_000, "--executor", "ray", checkpoint_s=20.0)
    saved = wait_for_a_checkpoint(process, folder)
    before = len(curve_of(saved))
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=900)
    assert process.returncode == 143 and "Traceback" not in err and "SIGTERM" not in err, err
    assert "Resume with:\ngensynth search" in err and (folder / "run" / "report.html").exists()
    assert len(curve_of(saved)) > before


@linux
@pytest.mark.slow
def test_a_control_server_of_ray_that_dies_is_started_anew(tmp_path: Path) -> None:
    folder = tmp_path / "ray"
    process = search(folder, 40, "--executor", "ray", checkpoint_s=0.0)
    wait_for_a_checkpoint(process, folder)
    (server,) = (
        int(place.name)
        for place in Path("/proc").glob("[0-9]*")
        if b"gcs_server" in read(place / "cmdline") and parent_of(place) == process.pid
    )
    os.kill(server, signal.SIGKILL)
    _, err = process.communicate(timeout=900)
    assert process.returncode == 0 and "Traceback" not in err, err
    assert "does not answer any more; it is started anew" in err


def read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def parent_of(place: Path) -> int:
    return int(read(place / "stat").rpartition(b")")[2].split()[1])
