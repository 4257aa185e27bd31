"""Builds the firmware of a network and counts its instructions in QEMU."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gensynth.errors import InputError
from gensynth.formats import Deployment
from gensynth.formats.c import CODE, to_c
from gensynth.formats.c_project import write_project
from gensynth.models.by_name import Model

DEVICE = "cortex-m4"
UNIT = "instructions"
PROGRAMS = {
    "make": "make",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "qemu-system-arm": "qemu-system-arm",
}
"""Programs that must be installed, and the Debian packages that contain them."""
PER_TICK = 40
"""Instructions in a tick of the board's timer: `-icount shift=0` gives each one nanosecond, and the
timer counts at 25 MHz."""
PATIENCE_S = 1800.0


def require_programs() -> None:
    """Raise `InputError` with one command that installs all missing programs."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        packages = " ".join(PROGRAMS[name] for name in missing)
        raise InputError(DEVICE, f"{', '.join(missing)} missing: apt-get install {packages}")


def instructions(model: Model) -> int:
    """Count the instructions of one inference on one image, to the nearest 40.

    Raises:
        InputError: a program is missing, C cannot express the network, or it does not fit the
            board's 4 MiB of flash and 4 MiB of RAM.
    """
    with tempfile.TemporaryDirectory(prefix="gensynth-m4-") as name:
        folder = Path(name)
        write_firmware(model, folder)
        text = run_firmware(folder, model.name)
    found = re.search(r"\t(\d+)$", text, re.MULTILINE)
    if found is None:
        raise InputError(DEVICE, f"{model.name} prints no count")
    return PER_TICK * int(found[1])


def write_firmware(model: Model, folder: Path) -> None:
    """Write the C project of a network that classifies one random image.

    Raises:
        InputError: a program is missing, or C cannot express the network.
    """
    import torch

    require_programs()
    rng = torch.Generator().manual_seed(0)
    image = torch.rand((1, *model.input_shape), generator=rng)
    network = Deployment(model.module, model.input_shape, image)
    (folder / CODE).write_text(to_c(network), encoding="utf-8")
    write_project(network, folder)


def run_firmware(folder: Path, name: str) -> str:
    """Build and run a project, and return what it prints; `name` is the network's in errors.

    Raises:
        InputError: the network does not fit the board.
    """
    _make(folder, [], name)
    return _make(folder, ["run"], name)


def _make(folder: Path, targets: Sequence[str], name: str) -> str:
    command = ["make", "--silent", "-C", str(folder), *targets]
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE_S,
        )
    except subprocess.TimeoutExpired:
        raise InputError(DEVICE, f"{name} did not end within {PATIENCE_S:g} s") from None
    if done.returncode != 0:
        over = re.search(r"region `(\w+)' overflowed by (\d+) bytes", done.stderr)
        lines = [line for line in done.stderr.splitlines() if "rror" in line] or ["no message"]
        problem = f"exceeds the 4 MiB of {over[1]} by {int(over[2]):,} bytes" if over else lines[0]
        raise InputError(DEVICE, f"{name}: {problem[:300]}")
    return done.stdout
