"""Comparing the latency of networks that are given by name."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gensynth.errors import InputError
from gensynth.evaluation.latency import Question
from gensynth.latency.device import ComparesNetworks, Comparison, find_device
from gensynth.latency.files import FileModel, file_model
from gensynth.latency.here import Here, Timed
from gensynth.models import timm_models
from gensynth.models.by_name import IMAGENET, Model, find_model
from gensynth.space import Task


def compare_networks(
    names: Sequence[str],
    question: Question,
    folder: Path,
    image_size: int | None = None,
    channels: int = 3,
    classes: int = 1000,
    rounds: int | None = None,
) -> Comparison:
    """Measure the latency of networks side by side; ratios refer to the first one.

    Args:
        names: MODELs or exported files (`.onnx`, `.pt2`), each counted once.
        question: the device, runtime, threads and batch size.
        folder: where a device `module:class` is looked up as well.
        image_size: height and width of the input in pixels; default: a timm network's own, or 224.
        channels: channels of the input.
        classes: number of classes.
        rounds: samples in a block, if the device takes samples; None means the default.

    Raises:
        InputError: a network is unknown or does not run, or the device cannot compare.
    """
    device = find_device(question.device, folder)
    if not isinstance(device, ComparesNetworks):
        raise InputError("device", f"{question.device} does not compare networks")
    models = [_model(name, folder, image_size, channels, classes) for name in dict.fromkeys(names)]
    files = [model.name for model in models if isinstance(model, FileModel)]
    if files and not isinstance(device, Here):
        problem = f"is a file, which is timed on this machine only, not on {question.device}"
        raise InputError(files[0], problem)
    found = device.compare_networks(models, question, rounds)  # type: ignore[arg-type]
    return replace(found, note=f"{found.note}{_unequal_inputs(models)}")


def _unequal_inputs(models: Sequence[Timed]) -> str:
    """Return a sentence with the input of each network if they are not all equal, or nothing."""
    shapes: dict[str, list[str]] = {}
    for model in models:
        shapes.setdefault("x".join(map(str, model.input_shape)), []).append(model.name)
    if len(shapes) < 2:
        return ""
    each = "; ".join(f"{shape}: {', '.join(names)}" for shape, names in shapes.items())
    return f"\nThe inputs of different sizes make the ratios compare unlike work: {each}."


def _model(name: str, folder: Path, image_size: int | None, channels: int, classes: int) -> Timed:
    exported = file_model(name)
    if exported is not None:
        _require_size(exported, image_size)
        return exported
    kind, _, word = name.partition(":")
    if kind == "published":
        raise InputError(name, "is known by its published figures only; nothing can be measured")
    size = image_size or (timm_models.image_size(word) if kind == "timm" else None)
    size = size or IMAGENET.height
    model = _always_the_same(name, Task(channels, size, size, classes), folder)
    if Path(name).is_dir():
        _require_size(model, image_size)
    return model


def _always_the_same(name: str, task: Task, folder: Path) -> Model:
    """Find a network with the same fresh weights at every call: counts may depend on them."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return find_model(name, task, folder)


def _require_size(model: Timed, image_size: int | None) -> None:
    if image_size is not None and model.input_shape[1] != image_size:
        takes = "x".join(map(str, model.input_shape))
        problem = f"takes {takes} images, not {image_size} px; leave --image-size out"
        raise InputError(model.name, problem)
