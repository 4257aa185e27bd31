"""Converts a torch network to ncnn's files by pnnx, and checks that it still computes the same."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from devices.cortex_a72.emulator import Emulated, Files, emulate
from devices.cortex_a72.parts import Parts
from devices.cortex_a72.programs import run_program
from gensynth.errors import InputError
from gensynth.formats.fold import folded
from gensynth.formats.output_suppression import quiet
from gensynth.models.by_name import Model

if TYPE_CHECKING:
    from torch import Tensor, nn

TOLERANCE = 0.01
"""Largest allowed difference of an output, relative to the largest deviation from their mean.

ncnn's fast convolutions differ from the direct ones in the third digit; a wrongly converted
network differs in the first."""


@contextmanager
def converted(module: "nn.Module", shape: tuple[int, int, int], parts: Parts) -> Iterator[Files]:
    """Yield a network as ncnn's files, which are removed afterwards.

    Raises `InputError` if torch cannot trace it or pnnx cannot convert it.
    """
    import torch

    with tempfile.TemporaryDirectory(prefix="gensynth-pnnx-") as name:
        folder = Path(name)
        try:
            with quiet(), torch.no_grad(), _plain_operators():
                traced = torch.jit.trace(  # type: ignore[no-untyped-call]
                    module, torch.zeros(1, *shape), check_trace=False
                )
                traced.save(str(folder / "network.pt"))
        except Exception as error:
            line = " ".join(str(error).split())[:200]
            raise InputError("torch.jit.trace", f"cannot take this network: {line}") from error
        size = ",".join(map(str, (1, *shape)))
        command = [str(parts.pnnx), "network.pt", f"inputshape=[{size}]", "fp16=0"]
        run_program(command, folder)
        yield _files(folder)


@contextmanager
def _plain_operators() -> Iterator[None]:
    """Run torch's channel shuffle as reshapes and a transposition, which pnnx supports."""
    import torch.nn.functional as F
    from torch.overrides import TorchFunctionMode

    class Plain(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if func is not F.channel_shuffle:
                return func(*args, **(kwargs or {}))
            x, groups = args
            n, c, h, w = x.shape
            return x.reshape(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)

    with Plain():
        yield


def _files(folder: Path) -> Files:
    param, weights = folder / "network.ncnn.param", folder / "network.ncnn.bin"
    if not (param.exists() and weights.exists()):
        raise InputError("pnnx", "cannot convert this network to ncnn")
    left = [kind for kind in kinds(param) if "." in kind or kind.startswith("pnnx")]
    if left:
        raise InputError("pnnx", f"cannot convert to ncnn: {', '.join(sorted(set(left)))}")
    return Files(param, weights, "in0", "out0")


def kinds(param: Path) -> list[str]:
    """Return the kinds of a network's layers, in the order of execution."""
    return [line.split()[0] for line in lines_of(param)]


def lines_of(param: Path) -> list[str]:
    """Return the lines of a network's layers, in the order of execution."""
    return [line for line in param.read_text(encoding="utf-8").splitlines()[2:] if line.strip()]


def emulated(model: Model, parts: Parts, by_layer: bool = False) -> tuple[Emulated, list[str]]:
    """Convert a network, run it in the emulator, and compare its output with torch's.

    Batch normalisation is folded, as in an export. Parameters that still have their initial values
    are perturbed, since pnnx would drop a scale of ones. With `by_layer`, each layer is also
    counted alone. Returns the counts, and the lines of the layers in ncnn's file. Raises
    `InputError` if the network cannot be converted or computes something else.
    """
    import torch

    module, shape = _as_trained(folded(model.module, model.input_shape)), model.input_shape
    image = torch.rand((1, *shape), generator=torch.Generator().manual_seed(0)) * 2 - 1
    try:
        with converted(module, shape, parts) as files:
            lines, blobs = lines_of(files.param), tops(files.param)
            found = emulate(files, _bytes(image), shape, blobs if by_layer else (), parts)
        with torch.no_grad():
            expected = module(image)
    except InputError as error:
        raise InputError(model.name, str(error)) from error
    difference = _difference(expected, np.frombuffer(found.output, dtype=np.float32))
    if not difference <= TOLERANCE:  # Also catches NaN.
        problem = (
            f"computes something else after conversion by pnnx: outputs differ by {difference:.1%}"
        )
        raise InputError(model.name, problem)
    return found, lines


def _as_trained(module: "nn.Module") -> "nn.Module":
    """Perturb, in place, parameters whose values are all equal; pnnx drops a scale of ones."""
    import torch

    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.numel() > 1 and bool((parameter == parameter.flatten()[0]).all()):
                parameter.add_(0.1 * torch.rand(parameter.shape, generator=rng))
    return module


def tops(param: Path) -> list[int]:
    """Return the number of the first blob that each layer writes, as ncnn numbers them."""
    known: dict[str, int] = {}
    first = []
    for line in lines_of(param):
        words = line.split()
        inputs, outputs = int(words[2]), int(words[3])
        written = words[4 + inputs : 4 + inputs + outputs]
        for name in written:
            known[name] = len(known)
        first.append(known[written[0]])
    return first


def _bytes(image: "Tensor") -> bytes:
    return bytes(image.contiguous().numpy().tobytes())


def _difference(expected: "Tensor", given: NDArray[np.float32]) -> float:
    source = expected.detach().numpy().astype(np.float64).reshape(-1)
    if source.shape != given.shape:
        return float("inf")
    spread = float(np.abs(source - source.mean()).max()) or 1.0
    return float(np.abs(source - given).max()) / spread
