"""Runs a network in ncnn on QEMU's Cortex-A72, with the QEMU plugin that counts."""

import platform
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from devices.cortex_a72.counts import Counts, read_counts
from devices.cortex_a72.parts import DEVICE, QEMU, Parts
from devices.cortex_a72.programs import completed
from gensynth.errors import InputError

PATIENCE_S = 1800.0


@dataclass(frozen=True)
class Files:
    """The files of a network in ncnn's format."""

    param: Path
    weights: Path
    input: str
    """Name of the blob that takes the image."""
    output: str


@dataclass(frozen=True)
class Emulated:
    """One inference after a warm-up."""

    output: bytes
    """Float32, in the order of the channels."""
    counts: Counts
    layers: tuple[Counts, ...] = ()
    """The counts of each requested layer, computed alone."""
    shapes: tuple[tuple[int, ...], ...] = ()
    """Width, height and channels of their outputs, and the channels in each packed vector."""


def emulate(
    network: Files,
    image: bytes,
    shape: tuple[int, int, int],
    layers: Sequence[int],
    parts: Parts,
) -> Emulated:
    """Run a network twice and count the second run.

    Args:
        network: the network to run.
        image: float32, (C, H, W).
        shape: of the image.
        layers: numbers of blobs, in the order of execution, that are also counted alone.
        parts: the parts of the emulation, installed.

    Raises:
        InputError: the network does not load or run in ncnn, or the emulation is broken.
    """
    with tempfile.TemporaryDirectory(prefix="gensynth-a72-") as name:
        folder = Path(name)
        (folder / "output.in").write_bytes(image)
        arguments = [network.param, network.weights, network.input, network.output, *shape]
        arguments += [folder / "output", *layers]
        _run(parts, folder / "counts", [str(argument) for argument in arguments])
        sections = read_counts(folder / "counts")
        output = (folder / "output").read_bytes()
        lines = (folder / "output.shapes").read_text("ascii").split("\n") if layers else []
    if len(sections) != 2 + 2 * len(layers):
        raise InputError(DEVICE, f"the plugin counted {len(sections)} sections")
    alone = zip(sections[2::2], sections[3::2], strict=True)
    shapes = tuple(tuple(map(int, line.split())) for line in lines if line)
    counted = tuple(first.minus(again) for first, again in alone)
    return Emulated(output, sections[1], counted, shapes)


def _run(parts: Parts, counts: Path, arguments: Sequence[str]) -> None:
    """Run the guest script with fixed addresses and environment, so that counts repeat."""
    guest = resources.files("devices.cortex_a72") / "guest.py"
    with resources.as_file(guest) as script:
        command = [shutil.which("setarch") or "setarch", platform.machine(), "-R", QEMU]
        command += ["-cpu", DEVICE, "-L", str(parts.root), "-plugin", f"{parts.plugin},to={counts}"]
        for setting in ("PYTHONHASHSEED=0", "OMP_NUM_THREADS=1", "PATH=/usr/bin"):
            command += ["-E", setting]
        command += [str(parts.python), "-I", "-S", str(script), str(parts.ncnn), *arguments]
        done = completed(command, DEVICE, PATIENCE_S)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        unknown = [line for line in lines if "not exists" in line]
        cause = (unknown or lines[-1:] or [f"exit code {done.returncode}"])[0]
        raise InputError(DEVICE, f"ncnn cannot run this network: {cause[:300]}")
