"""The folder of the parts of the emulated Cortex-A72, and whether it is complete."""

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
"""Versions on PyPI that the calibration and the fast model were made with."""
QEMU = "qemu-aarch64"
SETUP = f"gensynth device setup {DEVICE}"
PREPARED = "prepared"
"""Written last, once every part was tried."""


@dataclass(frozen=True)
class Place:
    """The folder of the parts; `None` of them is there before it is complete."""

    folder: Path

    @property
    def root(self) -> Path:
        """The emulated machine's own files: C library and Python."""
        return self.folder / "root"

    @property
    def ncnn(self) -> Path:
        """The folder of ncnn's extension module for arm64."""
        return self.folder / "ncnn" / "ncnn"

    @property
    def pnnx(self) -> Path:
        """The converter, a program of this machine."""
        return self.folder / "pnnx" / "pnnx" / "pnnx"

    @property
    def plugin(self) -> Path:
        """Our plugin, built for this machine's QEMU."""
        return self.folder / "a72.so"

    @property
    def python(self) -> Path:
        """Python of the emulated machine."""
        found = sorted((self.root / "usr" / "bin").glob("python3.*"))
        return found[0] if found else self.root / "usr" / "bin" / "python3"

    @property
    def complete(self) -> bool:
        """Whether every part is there and was tried."""
        parts = (self.python, self.ncnn, self.pnnx, self.plugin, self.folder / PREPARED)
        return all(part.exists() for part in parts)


def place() -> Place:
    """Name the folder: a part that changes makes it another, so that none is ever outdated."""
    said = hashlib.sha256(f"{NCNN} {PNNX} {platform.machine()}".encode() + source())
    return Place(default_cache() / f"{DEVICE}-{said.hexdigest()[:12]}")


def source() -> bytes:
    """Read the plugin's C source, which the package carries."""
    return (resources.files("devices.cortex_a72") / "native" / "a72.c").read_bytes()


def require() -> Place:
    """Return the folder of the parts; `InputError` with the remedy if one is missing."""
    found = place()
    problem = impossible()
    if problem:
        raise InputError(DEVICE, problem)
    if not found.complete:
        raise InputError(DEVICE, f"is not prepared on this machine: {SETUP}")
    if shutil.which(QEMU) is None:
        raise InputError(DEVICE, f"{QEMU} is missing: apt-get install qemu-user")
    return found


def impossible() -> str:
    """Return why this machine can never emulate the processor; empty if it can."""
    system, machine = platform.system(), platform.machine()
    if system == "Linux" and machine in ("x86_64", "aarch64"):
        return ""
    return (
        f"is emulated on Linux on an x86-64 or arm64 processor only, this is {system} on {machine}"
    )
