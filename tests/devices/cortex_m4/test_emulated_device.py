"""The emulated Cortex-M4: it counts the same twice, and never claims milliseconds."""

from pathlib import Path

import pytest

import gensynth
from devices.cortex_m4.emulated_device import CortexM4
from gensynth.cli import BAD_INPUT, main
from gensynth.errors import InputError
from gensynth.evaluation.latency import Question
from gensynth.space import Task
from tests.support.firmware import need_programs


def test_missing_programs_are_named_with_the_command_that_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["device", "setup", "cortex-m4"])
    said = capsys.readouterr().err
    assert ended.value.code == BAD_INPUT and said.count("\n") == 1
    assert "apt-get install make gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm" in said


def test_a_limit_in_milliseconds_is_refused() -> None:
    question = Question(device="cortex-m4")
    assert question.runtime == "c"
    with pytest.raises(InputError, match="no published measurement"):
        CortexM4().check(question, Task(3, 8, 8, 2), Path())
    with pytest.raises(InputError, match="leave it out"):
        Question("torch", device="cortex-m4")


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
