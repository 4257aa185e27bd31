"""The parts of the emulated Cortex-A72: the folder that holds them, and whether all are there."""

import hashlib
import platform
import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from gensynth.data.open import default_cache
from gensynth.errors import InputError

DEVICE = "cortex-a72"
NCNN, PNNX = "1.0.20261020", "20261020"
"""The versions on PyPI with which the calibration and the fast model were made."""
QEMU = "qemu-aarch64"
SETUP = f"gensynth device setup {DEVICE}"
PREPARED = "prepared"
"""This file is written last, after every part was tried."""


@dataclass(frozen=True)
class Parts:
    """The folder of the parts; it appears only when it is complete."""

    folder: Path

    @property
    def root(self) -> Path:
        """The files of the emulated machine: the C library and Python."""
        return self.folder / "root"

    @property
    def ncnn(self) -> Path:
        """The folder of ncnn's extension module for arm64."""
        return self.folder / "ncnn" / "ncnn"

    @property
    def pnnx(self) -> Path:
        """The converter, a program that runs on this machine."""
        return self.folder / "pnnx" / "pnnx" / "pnnx"

    @property
    def plugin(self) -> Path:
        """Our QEMU plugin, compiled for this machine."""
        return self.folder / "a72.so"

    @property
    def python(self) -> Path:
        """The Python interpreter of the emulated machine."""
        found = sorted((self.root / "usr" / "bin").glob("python3.*"))
        return found[0] if found else self.root / "usr" / "bin" / "python3"

    @property
    def complete(self) -> bool:
        """Whether every part is there and was tried."""
        parts = (self.python, self.ncnn, self.pnnx, self.plugin, self.folder / PREPARED)
        return all(part.exists() for part in parts)


def find_parts() -> Parts:
    """Return the folder of the parts, named by their versions, so that none is ever outdated."""
    key = hashlib.sha256(f"{NCNN} {PNNX} {platform.machine()}".encode() + source())
    return Parts(default_cache() / f"{DEVICE}-{key.hexdigest()[:12]}")


def source() -> bytes:
    """Return the C source of the plugin, which is a file of this package."""
    return (resources.files("devices.cortex_a72") / "native" / "a72.c").read_bytes()


def require_parts() -> Parts:
    """Return the folder of the parts; `InputError` with the remedy if one is missing."""
    found = find_parts()
    problem = impossible()
    if problem:
        raise InputError(DEVICE, problem)
    if not found.complete:
        raise InputError(DEVICE, f"is not installed on this machine; run {SETUP}")
    if shutil.which(QEMU) is None:
        raise InputError(DEVICE, f"{QEMU} is missing: apt-get install qemu-user")
    return found


def impossible() -> str:
    """Return why this machine can never emulate the processor; empty if it can."""
    system, machine = platform.system(), platform.machine()
    if system == "Linux" and machine in ("x86_64", "aarch64"):
        return ""
    return f"needs Linux on an x86-64 or arm64 processor, this is {system} on {machine}"
