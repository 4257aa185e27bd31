"""Timing that is paired and honest about noise; and the machine's quiet while it lasts."""

import json
import math
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gensynth.cli import main
from gensynth.errors import InputError
from gensynth.evaluation.latency import Interval, Question
from gensynth.latency import machine
from gensynth.latency.machine import alone, sharing
from gensynth.latency.paired import Infer, Open, TimingPlan, order_interval, time_paired
from tests.exports.test_export_folder import export, tiny_source


class World:
    """A clock that only the networks move; `weather` says how slow everything is at a time."""

    def __init__(self, noise: float = 0.0, drift: float = 0.0) -> None:
        self.now, self.drift, self.noise = 0.0, drift, noise
        self.rng, self.opened = random.Random(1), 0

    def clock(self) -> float:
        return self.now

    def network(self, milliseconds: float) -> Open:
        def open_() -> Infer:
            self.opened += 1
            return infer

        def infer() -> None:
            weather = 1 + self.drift * self.now + self.noise * self.rng.expovariate(1)
            self.now += milliseconds / 1000 * weather

        return open_

    def timed(self, *milliseconds: float, plan: TimingPlan | None = None) -> Any:
        networks = [self.network(ms) for ms in milliseconds]
        return time_paired(networks, 0, plan or TimingPlan(), clock=self.clock)


def test_without_noise_times_and_ratios_are_exact() -> None:
    world = World()
    first, second, third = world.timed(2.0, 5.0, 0.01)
    assert first.median == pytest.approx(2.0) and first.ratio == 1.0
    assert second.ratio == pytest.approx(2.5) and third.ratio == pytest.approx(0.005)
    assert second.interval.low == pytest.approx(second.interval.high)
    assert world.opened == 3 * TimingPlan().blocks and second.samples == 120
    assert second.confidence == pytest.approx(1 - 22 / 1024)


def test_drift_moves_the_times_and_not_the_ratios() -> None:
    """A machine that slows down from 1 to many times: pairs meet the same weather."""
    first, second = World(drift=0.5).timed(2.0, 5.0)
    assert first.interval.high > 1.5 * first.interval.low
    assert second.precise_ratio == pytest.approx(2.5, rel=0.02)


def test_a_ratio_that_noise_does_not_carry_is_not_told() -> None:
    _, calm = World(noise=0.05).timed(2.0, 5.0)
    _, stormy = World(noise=30.0).timed(2.0, 5.0, plan=TimingPlan(rounds=2))
    assert calm.precise_ratio is not None and stormy.precise_ratio is None
    assert calm.ratio_interval.low <= 2.5 <= calm.ratio_interval.high
    assert stormy.ratio_interval.high > 1.25 * stormy.ratio_interval.low


@given(st.integers(2, 40), st.randoms(use_true_random=False))
def test_the_interval_is_of_sorted_values_and_never_without_confidence(
    n: int, rng: random.Random
) -> None:
    values = [rng.gauss(0, 1) for _ in range(n)]
    interval, confidence = order_interval(values, 0.95)
    assert interval.low in values and interval.high in values and interval.low <= interval.high
    assert confidence >= 0.95 or (interval.low, interval.high) == (min(values), max(values))


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    """Of a skewed distribution, whose median is ln 2."""
    rng = random.Random(0)
    drawn = [[rng.expovariate(1) for _ in range(10)] for _ in range(4000)]
    intervals = [order_interval(values, 0.95)[0] for values in drawn]
    share = sum(i.low <= math.log(2) <= i.high for i in intervals) / len(intervals)
    assert share == pytest.approx(1 - 22 / 1024, abs=0.01)


def test_questions_have_names_of_their_own_and_refuse_nonsense() -> None:
    questions = [Question(), Question(threads=2), Question(reference="timm:fbnetc_100")]
    questions += [Question(resource="board"), Question(runtime="torch"), Question(batch=8)]
    assert len({str(question) for question in questions}) == len(questions)
    with pytest.raises(InputError, match="threads: must be at least 1"):
        Question(threads=0)
    with pytest.raises(InputError, match="unknown device 'her'; did you mean 'here'"):
        Question(device="her")
    assert Interval(1.0, 1.2).precise and not Interval(1.0, 1.3).precise


TRAINING = """
import sys, time
from pathlib import Path
from gensynth.latency.machine import sharing

log = Path(sys.argv[1])
with sharing() as give_way:
    for batch in range(10_000):
        with log.open("a") as file:
            file.write("x")
        time.sleep(0.005)
        give_way()
"""


def test_trainings_give_way_to_a_measurement_and_go_on(tmp_path: Path) -> None:
    """A process that trains stands still while this one measures, and no longer."""
    log = tmp_path / "batches"
    training = subprocess.Popen([sys.executable, "-c", TRAINING, str(log)])
    try:
        _grows(log, 0)
        with alone():
            before = log.stat().st_size
            time.sleep(0.2)
            assert log.stat().st_size == before
        _grows(log, before)
    finally:
        training.kill()
        training.wait()
    with alone():  # A process that was killed holds nothing.
        pass


def _grows(file: Path, size: int) -> None:
    deadline = time.monotonic() + 900
    while not file.exists() or file.stat().st_size <= size:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_trainings_share_and_a_training_that_does_not_give_way_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine, "PATIENCE_S", 0.1)
    with sharing(), sharing() as give_way:
        give_way()
        with (
            pytest.raises(InputError, match=r"latency: a training on this machine has not paused"),
            alone(),
        ):
            pass


def compare(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["compare", *words])
    out, err = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, out, err


SMALL = ("attendnext:tiny", "--channels", "1", "--classes", "10", "--image-size", "8")


@pytest.mark.parametrize("runtime", ["onnxruntime", "torch"])
def test_the_command_compares_networks(
    runtime: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(tmp_path / "mine", tiny_source(**{"stem.width": 16}))
    words = (*SMALL, str(tmp_path / "mine"), "--runtime", runtime, "--rounds", "2")
    code, out, err = compare(capsys, *words, "--json", "--reference", str(tmp_path / "mine"))
    first, second = json.loads(out)
    assert (code, err) == (0, "")
    assert first["model"] == first["reference"] == second["reference"] == str(tmp_path / "mine")
    assert first["ratio"] == 1 and first["input_shape"] == [1, 8, 8]
    low, high = second["ratio_interval"]
    assert second["median_ms"] > 0 and 0 < low <= high
    assert (second["ratio"] is None) == (high > 1.25 * low)
    assert second["runtime"] == runtime and second["samples"] == 20


class Talkative(torch.nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        print("hello")
        return super().forward(x.mean((2, 3)))


def talkative() -> torch.nn.Module:
    return Talkative(1, 10)


def test_what_a_network_prints_is_kept_out_of_the_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("tests.latency.test_paired:talkative", "--channels", "1", "--image-size", "8")
    code, out, err = compare(capsys, *words, "--runtime", "torch", "--rounds", "1", "--json")
    assert code == 0 and len(json.loads(out)) == 1 and "hello" in err


def test_the_table_says_how_it_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = compare(capsys, *SMALL, "--rounds", "1", "--runtime", "torch", "--batch", "3")
    assert code == 0 and "attendnext:tiny" in out and "1x8x8" in out
    assert "torch, 1 thread, batch 3 on here" in out and "97.9% confidence" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--runtime", "onnx"], "--runtime: unknown runtime 'onnx'; did you mean 'onnxruntime'"),
        (["--rounds", "0"], "--rounds: must be at least 1"),
        (["--rounds", "3", "--device", "cortex-a72"], "--rounds: cortex-a72 is counted, not timed"),
        (["attendnext:tyni"], "attendnext:tyni: space attendnext has no preset 'tyni'"),
        (["tests.latency.test_paired:wrong_input"], "cannot run on one 1x8x8 image"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = compare(capsys, *SMALL, *words)
    assert (code, out) == (2, "") and told in err and err.count("\n") == 1


def wrong_input() -> Any:
    from torch import nn

    return nn.Conv2d(3, 3, 3)


def test_an_export_keeps_its_own_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export(tmp_path / "mine", tiny_source())
    code, _, err = compare(capsys, str(tmp_path / "mine"), "--image-size", "32")
    assert code == 2 and "takes 1x8x8 images, not 32 px" in err


def test_comparing_leaves_the_process_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)  # Other than what is asked for, on any machine.
    try:
        code, _, _ = compare(capsys, *SMALL, "--rounds", "1", "--runtime", "torch")
        assert code == 0 and torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
