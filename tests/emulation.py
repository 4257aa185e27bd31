"""The emulated Cortex-A72 for tests: prepared once, skipped where QEMU is not installed."""

import shutil
from functools import cache

import pytest

from gensynth.cortex_a72.install import PROGRAMS, install
from gensynth.cortex_a72.place import Place, impossible


@cache
def emulation() -> Place:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing or impossible():
        pytest.skip(f"not here: {', '.join(missing) or impossible()}")
    return install(print)
