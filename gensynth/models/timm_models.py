"""Networks of timm by name, and the published accuracy of well-known networks.

`make(spec)` builds one with fresh weights, so a `Source` can name this module. `timm:NAME+stride1`
is NAME without its first stride, as is usual for images of 32 pixels, which networks made for 224
pixels would shrink to a single pixel. `timm:NAME+width0.5` is half as wide. timm is the extra
`peers`.
"""

from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from importlib import import_module, resources
from typing import TYPE_CHECKING, Any

from gensynth.errors import InputError, install, unknown
from gensynth.models.timm_variants import builder_of, read_variant, remove_first_stride
from gensynth.serialization import from_plain, loads

if TYPE_CHECKING:
    from torch import nn

OF_THE_PAPER = (
    "timm:mobilenetv3_large_100",
    "timm:fbnetc_100",
    "timm:mobilevit_xs",
    "timm:mobileone_s1",
)
"""The networks of timm that arXiv 2208.06980 compares with."""


@dataclass(frozen=True)
class PublishedFigures:
    """What was published about a network on ImageNet-1k; we measured none of it."""

    top1: float
    """Percent, on the validation split."""
    image_size: int
    """Height and width in pixels."""
    source: str
    params: int | None = None
    """Given only if the network itself is not available."""
    macs: int | None = None
    """Given only if the network itself is not available."""


@cache
def published() -> Mapping[str, PublishedFigures]:
    """Return the published figures by the name of the network, as `gensynth score` takes it."""
    file = resources.files("gensynth.resources") / "peers_top1.json"
    text = file.read_text(encoding="utf-8")
    return from_plain(dict[str, PublishedFigures], loads(text, file.name), file.name)


def make(spec: Mapping[str, Any]) -> "nn.Module":
    """Build a network of timm with fresh weights.

    Args:
        spec: `name`, which may be that of a variant (see `read_variant`); `classes` (default
            1000); `channels` (default 3); and `fused` (default true): whether networks that are
            trained in a wider form than they run in, such as MobileOne and RepVGG, take the
            form that they run in.

    Raises:
        InputError: timm is not installed, does not know the name, or cannot build the network.
    """
    timm, place = import_timm(), f"timm:{spec['name']}"
    variant = read_variant(str(spec["name"]))
    if not timm.is_model(variant.name):
        raise unknown(place, "timm network", variant.name, timm.list_models())
    channels = spec.get("channels", 3)
    build = builder_of(variant, timm)
    try:
        size = {"img_size": tuple(spec["image_size"])} if "image_size" in spec else {}
        model = build(num_classes=spec.get("classes", 1000), in_chans=channels, **size)
    except Exception as error:
        raise InputError(place, f"timm cannot build it: {error}") from error
    if variant.for_small_images:
        remove_first_stride(model, int(channels), f"timm:{variant.name}")
    return fused(model) if spec.get("fused", True) else model


def is_known(name: str) -> bool:
    """Return whether timm is installed and has a network called `name`."""
    try:
        return bool(import_timm().is_model(name.partition("+")[0]))
    except InputError:
        return False


def image_size(name: str) -> int | None:
    """Return the height and width (pixels) for which timm's network was made; None if unknown."""
    timm = import_timm()
    name = read_variant(name).name
    settings = timm.get_pretrained_cfg(name) if timm.is_model(name) else None
    return int(settings.input_size[-1]) if settings is not None else None


def needs_size(name: str, height: int, width: int) -> bool:
    """Return whether timm's network has to be built for images of this size to take them.

    Such networks store something for each position of the image, as most transformers do.
    """
    try:
        timm = import_timm()
        name = read_variant(name).name
        settings = timm.get_pretrained_cfg(name) if timm.is_model(name) else None
    except InputError:  # Whoever builds the network says so.
        return False
    if settings is None or not settings.fixed_input_size:
        return False
    return tuple(settings.input_size[-2:]) != (height, width)


def as_it_runs(network: "nn.Module") -> "nn.Module":
    """Return a network in the form that it runs in: a fused copy if parts of it are timm's."""
    theirs = any(type(part).__module__.startswith("timm.") for part in network.modules())
    return fused(deepcopy(network)) if theirs else network


def fused(model: "nn.Module") -> "nn.Module":
    """Convert a network from the wider form in which it is trained to the one it runs in."""
    training = model.training
    fuse = import_module("timm.utils").reparameterize_model
    narrow: nn.Module = fuse(model.eval(), inplace=True)  # Some networks fuse in eval mode only.
    return narrow.train(training)


@cache
def import_timm() -> Any:
    """Import timm, also next to a torchvision that was built for another torch.

    Raises:
        InputError: timm is not installed.
    """
    try:
        import_torchvision()
        return import_module("timm")
    except ImportError as error:
        problem = f"cannot be imported ({error}); run: {install('peers')}"
        raise InputError("timm", problem) from error


@cache
def import_torchvision() -> Any:
    """Import torchvision, also one that was built for another torch."""
    with suppress(RuntimeError):
        return import_module("torchvision")
    _declare_torchvision_operators()
    return import_module("torchvision")


def _declare_torchvision_operators() -> None:
    """Declare operators of torchvision, so that it can be imported next to another build of torch.

    PyPI's torchvision is built for CUDA. With a CPU build of torch its operators do not load, and
    its import, which timm needs, fails because their schemas are missing. Nothing calls them.
    """
    library = import_module("torch.library").Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _LIBRARIES.append(library)


_LIBRARIES: list[Any] = []
"""Keeps the declarations, which end with their library object, alive."""
