"""Formats that a network is exported in, in addition to its PyTorch file.

A format writes a network and runs what it wrote; the export compares the outputs. A format is a
frozen dataclass without required fields, found by the name of an entry point (group
`gensynth.formats`) or as `module:class`. docs/format.md explains how to write one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from gensynth.errors import InputError, install, unknown
from gensynth.formats.fold import folded
from gensynth.formats.output_suppression import quiet
from gensynth.plugins import create
from gensynth.plugins import names as installed

if TYPE_CHECKING:
    from torch import Tensor, nn

Run = Callable[["Tensor"], "Tensor"]
"""Maps images (N, C, H, W), for any N, to logits (N, classes)."""
TORCH = "torch"
"""The standalone PyTorch file, which is always written."""


@dataclass
class Deployment:
    """A network ready for deployment: in eval mode, batch normalisation folded."""

    searched: "nn.Module"
    """The network as it was searched, without folding."""
    input_shape: tuple[int, int, int]
    """(C, H, W) of its input."""
    calibration: "Tensor"
    """Typical images, float32 (N, C, H, W), from which ranges of numbers are chosen."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Facts for the metadata of the file, as JSON: `preprocessing`, `classes`, `mean`, `std` and
    `size`. A format that has metadata writes them; empty if nothing is known."""
    made: dict[str, bytes] = field(default_factory=dict)
    """Files that several formats start from, each made once."""

    @cached_property
    def module(self) -> "nn.Module":
        """The folded network."""
        return folded(self.searched, self.input_shape)

    @cached_property
    def program(self) -> Any:
        """The network as a `torch.export` program for any number of images.

        Raises `InputError` if torch cannot export one of its operators.
        """
        import torch

        return self._exported(2, ({0: torch.export.Dim("batch")},))

    @property
    def program_of_one(self) -> Any:
        """The network as a `torch.export` program for one image at a time."""
        return self._exported(1, None)

    def _exported(self, images: int, dynamic_shapes: Any) -> Any:
        import torch

        example, module = (torch.zeros(images, *self.input_shape),), self.module
        try:
            with quiet():
                return torch.export.export(module, example, dynamic_shapes=dynamic_shapes)
        except Exception as error:
            raise InputError(
                "torch.export", f"cannot export this network: {brief(error)}"
            ) from error


@runtime_checkable
class Format(Protocol):
    """One format."""

    @property
    def name(self) -> str:
        """What the card of an export calls it."""
        ...

    @property
    def file(self) -> str:
        """Name of the file that it writes into the folder of an export."""
        ...

    @property
    def tolerance(self) -> float | None:
        """Largest allowed difference of a logit; None if the difference is only reported."""
        ...

    def check(self) -> None:
        """Raise `InputError` with the remedy if a package is missing."""
        ...

    def write(self, network: Deployment, path: Path, /) -> None:
        """Write the network to `path`; `InputError` if the format cannot express it."""
        ...

    def open(self, path: Path, /) -> Run:
        """Load what was written, and return a function that runs it."""
        ...


@runtime_checkable
class RunsElsewhere(Protocol):
    """A format whose files another runtime runs too, which must give the same outputs."""

    def open_elsewhere(self, path: Path, /) -> "Mapping[str, Run]":
        """Load what was written into other runtimes; return a function for each name."""
        ...


@runtime_checkable
class NeedsEnvironment(Protocol):
    """A format that `gensynth format setup NAME` prepares."""

    def set_up(self, say: Callable[[str], None], python: str | None = None, /) -> None:
        """Prepare the format unless it is ready, and pass a line to `say` for each step.

        `python` is the interpreter of an environment that has its packages already.
        """
        ...


def formats(names: Sequence[str], folder: Path | None = None) -> list[Format]:
    """Return formats by name, each once, without `torch`, which is always written.

    `module:class` is looked up in `folder`. `NAME+OPTION` sets a yes-or-no field of the format:
    `tflite+names`. Raises `InputError` for an unknown format, if a
    package is missing, and if two formats write the same file.
    """
    found: dict[str, Format] = {}
    for name in dict.fromkeys(names):
        if name == TORCH:
            continue
        made = find_format(name, folder)
        made.check()
        if made.file in found:
            problem = f"{name} and {found[made.file].name} both write {made.file}"
            raise InputError("--format", problem)
        found[made.file] = made
    return list(found.values())


def find_format(name: str, folder: Path | None = None) -> Format:
    """Return a format by name, whether or not its packages are installed.

    Raises `InputError` for an unknown format or an unknown option of it.
    """
    known, (word, *options) = installed("format"), name.split("+")
    if ":" not in word and word not in known:
        raise unknown("--format", "format", word, [TORCH, *known])
    made = create("format", word, dict.fromkeys(options, True), "--format", folder)
    if not isinstance(made, Format):
        problem = f"{name!r} is not a format: it needs name, file, tolerance, check, write and open"
        raise InputError("--format", problem)
    return made


def missing_package(what: str, extra: str, error: ImportError) -> InputError:
    """Return the error for a missing package, with the command that installs it."""
    return InputError(what, f"needs {error.name}: {install(extra)}")


def brief(error: Exception) -> str:
    """Return an error of a library as its type and first line of text."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
