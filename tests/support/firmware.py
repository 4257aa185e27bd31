"""Firmware of the C project: built for a Cortex-M4 and run in QEMU."""

import shutil
import subprocess
from pathlib import Path

import pytest

PROGRAMS = {
    "cc": "gcc",
    "make": "make",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "qemu-system-arm": "qemu-system-arm",
}


def need_programs() -> None:
    """Skip the test, by name, where firmware cannot be built or run."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        packages = " ".join(PROGRAMS[name] for name in missing)
        pytest.skip(f"firmware needs: {', '.join(missing)} (apt-get install {packages})")


def firmware(folder: Path) -> list[tuple[str, int]]:
    """Build the project and run it; return the class and the ticks of each picture."""
    subprocess.run(["make", "-s"], cwd=folder, check=True, capture_output=True)
    done = subprocess.run(
        ["make", "-s", "run"], cwd=folder, check=True, capture_output=True, text=True, timeout=300
    )
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return [(name, int(ticks)) for name, ticks in rows]
