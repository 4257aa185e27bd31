"""Exported files as networks to be timed: ONNX, `torch.export` programs and TensorFlow Lite.

Each is run by its own runtime: `.onnx` by ONNX Runtime, `.pt2` by torch, `.tflite` by LiteRT, which
must be installed next to gensynth: in another process, the way there would be timed as well.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gensynth.errors import InputError, install
from gensynth.formats import brief
from gensynth.formats.onnx import parameters_of, require, session_of
from gensynth.formats.output_suppression import quiet
from gensynth.formats.tflite_worker import litert_interpreter
from gensynth.latency.paired import Infer, Open
from gensynth.models.exported import require_own_program

if TYPE_CHECKING:
    from torch import Tensor

RUNTIME_OF = {".onnx": "onnxruntime", ".pt2": "torch", ".tflite": "litert"}
"""The runtime of a file, by its suffix."""


@dataclass(frozen=True)
class FileModel:
    """An exported file, ready to be opened again and again."""

    name: str
    runtime: str
    input_shape: tuple[int, int, int]
    """(C, H, W) of its input."""
    params: int | None
    """Numbers that it stores as parameters; None if that cannot be told."""
    content: bytes = b""
    """Of an ONNX file."""

    def opener(self, threads: int, batch: int) -> Open:
        """Return a function that opens the file for inferences of `batch` images."""
        import torch

        rng = torch.Generator().manual_seed(0)
        images = torch.randn((batch, *self.input_shape), generator=rng)
        if self.runtime == "torch":
            return lambda: _of_program(Path(self.name), images)
        if self.runtime == "litert":
            return lambda: _of_litert(Path(self.name), threads, batch)
        return lambda: _of_session(session_of(self.content, threads, batch), images)


def file_model(name: str) -> FileModel | None:
    """Return the exported file called `name`; None if it is no file of these kinds.

    Raises:
        InputError: it cannot be read, may not be opened, or does not take one batch of images.
    """
    path = Path(name)
    runtime = RUNTIME_OF.get(path.suffix)
    if runtime is None or not path.is_file():
        return None
    require_own_program(path)
    if runtime == "onnxruntime":
        require()
    if runtime == "litert" and find_spec("ai_edge_litert") is None:
        raise InputError(name, f"is timed by LiteRT in this process: {install('litert')}")
    kinds = {"torch": _program, "onnxruntime": _onnx, "litert": _litert}
    try:
        return kinds[runtime](path)
    except InputError:
        raise
    except Exception as error:
        raise InputError(name, f"cannot be read: {brief(error)}") from None


def _onnx(path: Path) -> FileModel:
    content = path.read_bytes()
    (images,) = session_of(content, 1).get_inputs()
    return FileModel(
        str(path), "onnxruntime", _shape(images.shape, path), parameters_of(content), content
    )


def _program(path: Path) -> FileModel:
    import torch

    with quiet():
        program = torch.export.load(path)
    (name,) = program.graph_signature.user_inputs
    node = next(node for node in program.graph.nodes if node.name == name)
    params = sum(parameter.numel() for parameter in program.parameters())
    return FileModel(str(path), "torch", _shape(list(node.meta["val"].shape), path), params)


def _litert(path: Path) -> FileModel:
    (images,) = litert_interpreter(path, 1).get_input_details()
    shape = [int(size) for size in images["shape"]]
    return FileModel(str(path), "litert", _shape([shape[0], shape[-1], *shape[1:-1]], path), None)


def _shape(shape: list[Any], path: Path) -> tuple[int, int, int]:
    if len(shape) != 4 or not all(isinstance(size, int) for size in shape[1:]):
        raise InputError(str(path), f"expected images (N, C, H, W) as its input, got {shape}")
    channels, height, width = shape[1:]
    return int(channels), int(height), int(width)


def _of_program(path: Path, images: "Tensor") -> Infer:
    import torch

    with quiet():
        module = torch.export.load(path).module()

    def infer() -> object:
        with torch.inference_mode():
            return module(images)

    return infer


def _of_litert(path: Path, threads: int, batch: int) -> Infer:
    if batch != 1:
        raise InputError(str(path), f"takes one image at a time, not a batch of {batch}")
    interpreter = litert_interpreter(path, threads)
    (images,) = interpreter.get_input_details()
    rng = np.random.default_rng(0)
    interpreter.set_tensor(
        images["index"], rng.normal(size=images["shape"]).astype(images["dtype"])
    )
    infer: Infer = interpreter.invoke
    return infer


def _of_session(session: Any, images: "Tensor") -> Infer:
    feed = {session.get_inputs()[0].name: images.numpy()}

    def infer() -> object:
        return session.run(None, feed)

    return infer
