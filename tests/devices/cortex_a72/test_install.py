"""Preparing the emulated Cortex-A72: whole or not at all, and clear about what is missing."""

import platform
from pathlib import Path

import pytest

from devices.cortex_a72.counts import NAMES, read_counts
from devices.cortex_a72.install import TRIAL, check_runs, install
from devices.cortex_a72.parts import find_parts, require_parts
from gensynth.cli import BAD_INPUT, DONE, main
from gensynth.errors import InputError
from tests.support.emulation import emulation


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without programs, with an empty cache; gives the folder of its programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("GENSYNTH_CACHE", str(tmp_path / "cache"))
    return programs


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["device", "setup", *arguments])
    return int(ended.value.code or 0)


def test_what_is_missing_is_named_with_the_command_that_installs_it(
    bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program(bare, "dpkg", "exit 0")
    assert command("cortex-a72") == BAD_INPUT
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "apt-get install qemu-user gcc apt" in said
    assert "dpkg" not in said


def test_another_qemu_is_refused(bare: Path) -> None:
    for name in ("cc", "apt-get", "dpkg", "setarch"):
        program(bare, name, "exit 0")
    program(bare, "qemu-aarch64", "echo qemu-aarch64 version 10.0.2")
    with pytest.raises(InputError, match=r"version 10\.0\.2; the plugin needs QEMU 6 to 8"):
        install(print)


def test_a_step_that_fails_leaves_nothing_behind(bare: Path, tmp_path: Path) -> None:
    for name in ("cc", "dpkg", "setarch"):
        program(bare, name, "exit 0")
    program(bare, "qemu-aarch64", "echo qemu-aarch64 version 7.2.22")
    program(bare, "apt-get", "exit 0")
    program(bare, "apt-cache", "echo 'E: No packages found' >&2; exit 100")
    with pytest.raises(InputError, match="apt-cache: E: No packages found"):
        install(print)
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []


def test_what_is_not_prepared_says_so(bare: Path) -> None:
    with pytest.raises(InputError, match="gensynth device setup cortex-a72"):
        require_parts()


@pytest.mark.parametrize("system, machine", [("Darwin", "arm64"), ("Linux", "riscv64")])
def test_other_hosts_get_a_clear_line(
    system: str, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    for call in (require_parts, lambda: install(print)):
        with pytest.raises(InputError, match=f"this is {system} on {machine}"):
            call()


def test_another_device_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("cortex-a73") == BAD_INPUT
    assert "did you mean 'cortex-a72'?" in capsys.readouterr().err


def test_counts_are_read_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "counts"
    numbers = " ".join(str(n) for n in range(len(NAMES)))
    file.write_text(f"{' '.join(NAMES)}\n{numbers}\n{numbers}\n")
    first, second = read_counts(file)
    assert first.fma == 1 and first == second and first.minus(second).load_units == 0
    file.write_text(f"{' '.join(NAMES)}\n1 2 3\n")
    with pytest.raises(InputError, match="a line of 3 numbers"):
        read_counts(file)
    with pytest.raises(InputError, match="not a file of the plugin"):
        read_counts(tmp_path / "other")


def test_prepared_once_it_is_only_tried(capsys: pytest.CaptureFixture[str]) -> None:
    parts = emulation()
    before = parts.plugin.stat().st_mtime_ns
    assert command("cortex-a72") == DONE
    assert "already installed" in capsys.readouterr().out
    assert find_parts() == parts == require_parts() and parts.plugin.stat().st_mtime_ns == before


def test_an_emulator_that_computes_wrongly_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another padding, and the trial's middle is still 27; another kernel, and it is not."""
    parts = emulation()
    wrong = TRIAL.replace("1=3 4=1", "1=1 4=0").replace("6=216", "6=24")
    monkeypatch.setattr("devices.cortex_a72.install.TRIAL", wrong)
    with pytest.raises(InputError, match="gives wrong results"):
        check_runs(parts)
