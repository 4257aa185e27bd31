"""Comparing the latency of networks that are given by name."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gensynth.errors import InputError
from gensynth.evaluation.latency import Question
from gensynth.latency.device import ComparesNetworks, Comparison, find_device
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
        names: MODELs, each counted once. Files are looked up in `folder`.
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
    found = device.compare_networks(models, question, rounds)
    return replace(found, note=f"{found.note}{_unequal_inputs(models)}")


def _unequal_inputs(models: Sequence[Model]) -> str:
    """Return a sentence with the input of each network if they are not all equal, or nothing."""
    shapes: dict[str, list[str]] = {}
    for model in models:
        shapes.setdefault("x".join(map(str, model.input_shape)), []).append(model.name)
    if len(shapes) < 2:
        return ""
    each = "; ".join(f"{shape}: {', '.join(names)}" for shape, names in shapes.items())
    return f"\nThe inputs of different sizes make the ratios compare unlike work: {each}."


def _model(name: str, folder: Path, image_size: int | None, channels: int, classes: int) -> Model:
    kind, _, word = name.partition(":")
    if kind == "published":
        raise InputError(name, "is known by its published figures only; nothing can be measured")
    size = image_size or (timm_models.image_size(word) if kind == "timm" else None)
    size = size or IMAGENET.height
    model = find_model(name, Task(channels, size, size, classes), folder)
    if image_size is not None and Path(name).is_dir() and model.input_shape[1] != image_size:
        takes = "x".join(map(str, model.input_shape))
        raise InputError(name, f"takes {takes} images, not {image_size} px; leave --image-size out")
    return model
