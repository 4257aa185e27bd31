"""TensorFlow Lite (LiteRT) in float32 and in int8, for phones and microcontrollers.

The file takes one image with its channels last, (1, H, W, C), and gives (1, classes). In int8 both
are 8-bit numbers with a scale and a zero point, as microcontrollers take them. Names of tensors and
the converter's metadata are left out: no runtime reads them, and they fill up to half of a small
file. What prepares images is in `config.json` of the export.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gensynth.errors import InputError
from gensynth.formats import Deployment, Run
from gensynth.formats.output_suppression import quiet
from gensynth.formats.tflite_environment import CONVERTER, RUNTIME, Worker, interpreter, prepare
from gensynth.tflm.footprint import Footprint

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

LITERT, MICRO = "litert", "tflite-micro"
"""The runtimes that a file is run by."""
FLOAT = "tflite"
"""Under this name a network keeps its float32 form, of which int8 is made."""


@dataclass(frozen=True)
class Tflite:
    """`model.tflite`: one image (1, H, W, C) in float32 to logits (1, classes)."""

    name: str = "tflite"
    file: str = "model.tflite"
    tolerance: float | None = 1e-4
    names: bool = False
    """Whether names of tensors and metadata of the converter are kept: `tflite+names`."""

    def check(self) -> None:
        """Require the converter."""
        interpreter(CONVERTER)

    def set_up(self, say: "Callable[[str], None]", python: str | None = None) -> None:
        """Prepare the environment of the converter."""
        prepare(say, python)

    def write(self, network: Deployment, path: Path) -> None:
        """Convert the network's program."""
        _write(to_tflite(network), path, self.names)

    def open(self, path: Path) -> Run:
        """Load the file into LiteRT; in int8, images are quantised and outputs dequantised."""
        return run_by(LITERT, path)

    def open_elsewhere(self, path: Path) -> Mapping[str, Run]:
        """Load the file into tflite-micro too, the runtime of microcontrollers."""
        return {MICRO: run_by(MICRO, path)}

    def footprint(self, path: Path) -> Footprint:
        """Have tflite-micro allocate the file."""
        return footprint_in(path)


@dataclass(frozen=True)
class TfliteInt8(Tflite):
    """`model.int8.tflite`: weights, activations, input and output in int8."""

    name: str = "tflite-int8"
    file: str = "model.int8.tflite"
    tolerance: float | None = None

    def write(self, network: Deployment, path: Path) -> None:
        """Quantise the network's TensorFlow Lite form with its calibration images."""
        _write(to_tflite_int8(network), path, self.names)


@dataclass(frozen=True)
class Arena:
    """The memory that tflite-micro allocates for a file, in bytes."""

    total: int
    head: int
    """Activations."""
    tail: int
    """What stays between inferences: descriptions of tensors and operators."""


def arena_of(path: Path) -> Arena:
    """Measure the memory that a file needs in tflite-micro, by its recording allocator.

    Raises:
        InputError: tflite-micro is not installed, or cannot run the file.
    """
    found = Worker(interpreter(CONVERTER)).ask({"do": "arena", "path": str(path)})
    try:
        return Arena(**found)
    except TypeError:
        raise InputError(str(path), "tflite-micro does not say what it allocates") from None


def footprint_in(path: Path) -> Footprint:
    """Return what a file takes on a microcontroller: its arena in tflite-micro, and its bytes."""
    arena = arena_of(path)
    return Footprint(arena.head, arena.tail, path.stat().st_size)


def operators_of(path: Path) -> list[str]:
    """Return the names of the operators that a file uses, each once, as `CONV_2D`."""
    found = Worker(interpreter(CONVERTER)).ask({"do": "operators", "path": str(path)})
    names: list[str] = found["operators"]
    return names


def run_by(runtime: str, path: Path) -> Run:
    """Return a function that runs a file by `litert` or `tflite-micro`, in a process of its own.

    Raises:
        InputError: the runtime is not installed, or cannot run the file.
    """
    worker = Worker(interpreter(RUNTIME if runtime == LITERT else CONVERTER))

    @contextmanager
    def named() -> Iterator[None]:
        try:
            yield
        except InputError as error:
            raise InputError(runtime, f"cannot run {path.name}: {error.problem}") from None

    @named()
    def run(images: "Tensor") -> "Tensor":
        return worker.run(images)

    with named():
        worker.ask({"do": "open", "runtime": runtime, "path": str(path)})
    return run


def to_tflite(network: Deployment) -> bytes:
    """Return the network in float32, with all names; `InputError` if it cannot be converted."""
    import torch

    if FLOAT in network.made:
        return network.made[FLOAT]
    program = network.program_of_one
    with tempfile.TemporaryDirectory() as name:
        given, made = Path(name, "program.pt2"), Path(name, "made.tflite")
        with quiet():
            torch.export.save(program, given)
        _make("convert", given, made)
        network.made[FLOAT] = made.read_bytes()
    return network.made[FLOAT]


def to_tflite_int8(network: Deployment) -> bytes:
    """Return the network in int8, with all names; `InputError` if it cannot be quantised."""
    plain = to_tflite(network)
    with tempfile.TemporaryDirectory() as name:
        given, images, made = (Path(name, file) for file in ("f.tflite", "images.npy", "q.tflite"))
        given.write_bytes(plain)
        np.save(images, network.calibration.cpu().numpy().astype(np.float32))
        _make("quantise", given, made, calibration=str(images))
        return made.read_bytes()


def without_names(model: bytes) -> bytes:
    """Return a model without names of tensors and metadata."""
    with tempfile.TemporaryDirectory() as name:
        given, made = Path(name, "given.tflite"), Path(name, "made.tflite")
        given.write_bytes(model)
        _make("strip", given, made)
        return made.read_bytes()


def _write(model: bytes, path: Path, names: bool) -> None:
    path.write_bytes(model if names else without_names(model))


def _make(what: str, given: Path, made: Path, **more: str) -> None:
    request = {"do": what, "path": str(given), "to": str(made), **more}
    try:
        Worker(interpreter(CONVERTER)).ask(request)
    except InputError as error:
        raise InputError(
            "TensorFlow Lite", f"cannot {what} this network: {error.problem}"
        ) from None
