"""Runtimes: what makes a network run, the way it would be deployed."""

from functools import partial
from typing import TYPE_CHECKING

from gensynth.errors import InputError
from gensynth.evaluation.latency import Runtime
from gensynth.formats import Deployment
from gensynth.latency.paired import Infer, Open
from gensynth.models.by_name import Model

if TYPE_CHECKING:
    from torch import Tensor, nn


def prepare(model: Model, runtime: Runtime, threads: int, batch: int) -> Open:
    """Make a network ready to be opened by a runtime, again and again.

    Batch normalisation is folded as in an export. With `torch` the network runs as it is, and
    the number of torch's threads is the caller's to set. `InputError` where it does not run.
    """
    import torch

    rng = torch.Generator().manual_seed(0)
    images = torch.randn((batch, *model.input_shape), generator=rng)
    try:
        network = Deployment(model.module, model.input_shape, images)
        if runtime == "torch":
            return partial(_open_torch, network.module, images)
        from gensynth.formats.onnx import to_onnx

        return partial(_open_onnx, to_onnx(network), threads, images)
    except InputError as error:
        told = error.problem if error.place == "model" else str(error)
        raise InputError(model.name, told) from error


def _open_torch(module: "nn.Module", images: "Tensor") -> Infer:
    import torch

    def infer() -> object:
        with torch.inference_mode():
            return module(images)

    return infer


def _open_onnx(model: bytes, threads: int, images: "Tensor") -> Infer:
    from gensynth.formats.onnx import session_of

    session = session_of(model, threads, batch=len(images))
    feed = {"images": images.numpy()}

    def infer() -> object:
        return session.run(None, feed)

    return infer


def check(runtime: Runtime) -> None:
    """Raise `InputError` with the remedy where a runtime is not installed."""
    if runtime == "onnxruntime":
        from gensynth.formats.onnx import require

        require()
    elif runtime == "ncnn":
        from devices.cortex_a72.place import require as require_emulation

        require_emulation()


def usual_runtime() -> Runtime:
    """Choose ONNX Runtime, which devices run; torch where it is not installed."""
    try:
        check("onnxruntime")
    except InputError:
        return "torch"
    return "onnxruntime"
