"""The emulated Cortex-M4: it counts the same twice, and never claims milliseconds."""

from pathlib import Path

import pytest

import gensynth
from constraints.max_instructions import MaxInstructions
from constraints.max_latency_ms import MaxLatencyMs
from devices.cortex_m4.emulated_device import CortexM4
from devices.cortex_m4.fast_model import fast_model
from devices.cortex_m4.firmware import DEVICE, PER_TICK
from gensynth.cli import BAD_INPUT, main
from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate
from gensynth.exports.card_words import latency_words
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from gensynth.latency.estimate import foreseen
from gensynth.latency.job import LatencyJob
from gensynth.space import Source, Task
from tests.support.emulation import tiny
from tests.support.firmware import need_programs

TASK = Task(3, 32, 32, 10)


def test_missing_programs_are_named_with_the_command_that_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["device", "setup", "cortex-m4"])
    said = capsys.readouterr().err
    assert ended.value.code == BAD_INPUT and said.count("\n") == 1
    assert "apt-get install make gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm" in said


def test_limits_in_another_unit_than_the_devices_are_refused() -> None:
    with pytest.raises(InputError, match="cortex-m4 answers in instructions, not in ms"):
        MaxLatencyMs(limit=1, device=DEVICE)
    with pytest.raises(InputError, match="here answers in ms, not in instructions"):
        MaxInstructions(limit=1e6, device="here")
    with pytest.raises(InputError, match="leave it out"):
        MaxInstructions(limit=1e6, runtime="torch")


def test_what_is_foreseen_are_instructions_with_their_uncertainty() -> None:
    graph, rule = trace(tiny(), (3, 32, 32)), MaxInstructions(limit=1e6)
    found = foreseen(Candidate(graph, profile(graph)), [rule.latency_question()], TASK, Path())
    (latency,) = found.latencies.values()
    assert latency.unit == "instructions" and latency.ratio is None
    assert latency.median == fast_model().foresee(graph).figure
    assert latency.interval.high == pytest.approx(latency.median * (1 + fast_model().error_90))
    assert rule(found).violation == pytest.approx(max(latency.interval.high / 1e6 - 1, 0))
    assert "ms" not in rule(found).reason and "instructions" in latency_words(latency)


@pytest.mark.slow
def test_the_emulator_confirms_what_the_fast_model_foresees() -> None:
    need_programs()
    source = Source("tests.support.emulation", {}, (3, 32, 32))
    job = LatencyJob(source, MaxInstructions(limit=1e6).latency_question(), TASK)
    counted, guessed = CortexM4().confirm_latency(job), CortexM4().measure(job)
    assert counted.unit == guessed.unit == "instructions"
    assert counted.interval.high - counted.interval.low == 2 * PER_TICK
    assert guessed.median == pytest.approx(counted.median, rel=0.3)


@pytest.mark.slow
def test_networks_are_counted_the_same_twice() -> None:
    need_programs()
    said: list[str] = []
    gensynth.setup_device("cortex-m4", said.append)
    assert "the same twice" in said[-1]
    names, task = ["attendnext:tiny"], {"image_size": 8, "channels": 1, "classes": 10}
    (row,) = gensynth.compare(names, device="cortex-m4", **task).rows  # type: ignore[arg-type]
    (again,) = gensynth.compare(names, device="cortex-m4", **task).rows  # type: ignore[arg-type]
    assert row == again and row["instructions"] > 10_000 and row["ratio"] == 1
