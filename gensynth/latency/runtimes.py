"""The runtimes of the device `here`: ONNX Runtime, and torch itself."""

from functools import partial
from typing import TYPE_CHECKING

from gensynth.errors import InputError
from gensynth.formats import Deployment
from gensynth.formats.onnx import require, session_of, to_onnx
from gensynth.graph.trace import image_for
from gensynth.latency.paired import Infer, Open
from gensynth.models.by_name import Model

if TYPE_CHECKING:
    from torch import Tensor, nn

RUNTIMES = ("onnxruntime", "torch")


def prepare(model: Model, runtime: str, threads: int, batch: int) -> Open:
    """Return a function that opens a network in a runtime; it may be called again and again.

    Batch normalisation is folded as in an export. With `torch` the network runs as it is, and
    the caller sets the number of torch's threads. Raises `InputError` if the network does not run.
    """
    import torch

    rng = torch.Generator().manual_seed(0)
    images = torch.randn((batch, *model.input_shape), generator=rng)
    images = images.to(image_for(model.module, model.input_shape).dtype)  # It may be half.
    try:
        network = Deployment(model.module, model.input_shape, images)
        if runtime == "torch":
            return partial(_open_torch, network.module, images)
        return partial(_open_onnx, to_onnx(network), threads, images)
    except InputError as error:
        problem = error.problem if error.place == "model" else str(error)
        raise InputError(model.name, problem) from error


def _open_torch(module: "nn.Module", images: "Tensor") -> Infer:
    import torch

    def infer() -> object:
        with torch.inference_mode():
            return module(images)

    return infer


def _open_onnx(model: bytes, threads: int, images: "Tensor") -> Infer:
    session = session_of(model, threads, batch=len(images))
    feed = {"images": images.numpy()}

    def infer() -> object:
        return session.run(None, feed)

    return infer


def check_runtime(runtime: str) -> None:
    """Raise `InputError` with the remedy if a runtime is not installed."""
    if runtime == "onnxruntime":
        require()


def usual_runtime() -> str:
    """Return `onnxruntime`, which small machines run, or `torch` if that is not installed."""
    try:
        check_runtime("onnxruntime")
    except InputError:
        return "torch"
    return "onnxruntime"
