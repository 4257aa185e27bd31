"""Formats that a network is exported in beside its PyTorch file; one file of this folder each.

A format writes a network and runs what it wrote; whether both agree is not for it to say. What
it needs is imported when it is used, and missing is an `InputError` with the remedy.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gensynth.errors import InputError, unknown
from gensynth.formats.fold import folded
from gensynth.formats.quiet import quiet

if TYPE_CHECKING:
    from torch import Tensor, nn

Run = Callable[["Tensor"], "Tensor"]
"""Takes images (N, C, H, W), for any N, and gives logits (N, classes)."""
TORCH = "torch"
"""The standalone file, which is always written."""
FORMATS = {
    "onnx": "gensynth.formats.onnx:Onnx",
    "pt2": "gensynth.formats.pt2:Pt2",
    "int8": "gensynth.formats.int8:Int8",
    "executorch": "gensynth.formats.executorch:ExecuTorch",
}


@dataclass
class Deployment:
    """A network as it is deployed: in eval mode, batch normalisation folded."""

    searched: "nn.Module"
    input_shape: tuple[int, int, int]
    calibration: "Tensor"
    """Images float32 (N, C, H, W) of the kind that it will see, to choose ranges of numbers."""

    @cached_property
    def module(self) -> "nn.Module":
        """The folded network."""
        return folded(self.searched, self.input_shape)

    @cached_property
    def program(self) -> Any:
        """The network as a `torch.export` program for any number of images.

        Raises `InputError` where torch cannot export an operator of it.
        """
        import torch

        return self._exported(2, ({0: torch.export.Dim("batch")},))

    @property
    def program_of_one(self) -> Any:
        """The same for one image at a time."""
        return self._exported(1, None)

    def _exported(self, images: int, dynamic_shapes: Any) -> Any:
        import torch

        example, module = (torch.zeros(images, *self.input_shape),), self.module
        try:
            with quiet():
                return torch.export.export(module, example, dynamic_shapes=dynamic_shapes)
        except Exception as error:
            raise InputError("torch.export", f"cannot take this network: {brief(error)}") from error


class Format(Protocol):
    """One format."""

    name: str
    file: str
    """What it writes into the folder of an export."""
    tolerance: float | None
    """Largest difference of logits; None = only measured."""

    def check(self) -> None:
        """Raise `InputError` with the remedy where a package is missing."""
        ...

    def write(self, network: Deployment, path: Path) -> None:
        """Write the network to `path`; `InputError` where it cannot be expressed."""
        ...

    def open(self, path: Path) -> Run:
        """Read back what was written, to run it."""
        ...


def formats(names: Sequence[str]) -> list[Format]:
    """Find formats by name, each once, without `torch`, which is always written.

    `InputError` for an unknown one, and where a package is missing that one needs.
    """
    found: list[Format] = []
    for name in dict.fromkeys(names):
        if name == TORCH:
            continue
        if name not in FORMATS:
            raise unknown("--format", "format", name, [TORCH, *FORMATS])
        module, _, kind = FORMATS[name].partition(":")
        found.append(getattr(import_module(module), kind)())
        found[-1].check()
    return found


def missing(what: str, extra: str, error: ImportError) -> InputError:
    """Say which package something needs, and how to get it."""
    return InputError(what, f'needs {error.name}: pip install "gensynth[{extra}]"')


def brief(error: Exception) -> str:
    """Tell an error of a library in its first line that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
