"""Peers: networks of timm by name, and what is published of their accuracy.

`make(spec)` builds one with fresh weights, so a `Source` may name this module like any other.
`timm:NAME+stride1` is NAME with its first stride removed: what is usual for images of 32 pixels,
which networks made for 224 would shrink to a single pixel; `timm:NAME+width0.5` is half as wide.
timm is an extra: `pip install "gensynth[peers]"`.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module, resources
from typing import TYPE_CHECKING, Any

from gensynth.errors import InputError, unknown
from gensynth.models.timm_variants import maker, read_form, remove_first_stride
from gensynth.serialization import from_plain, loads

if TYPE_CHECKING:
    from torch import nn

OF_THE_PAPER = (
    "timm:mobilenetv3_large_100",
    "timm:fbnetc_100",
    "timm:mobilevit_xs",
    "timm:mobileone_s1",
)
"""The networks of timm that arXiv 2208.06980 compares its own with."""


@dataclass(frozen=True)
class Published:
    """What was published of a network on ImageNet-1k; nothing here was measured by us."""

    top1: float
    """Percent, on the validation images."""
    image_size: int
    """Height and width in pixels."""
    source: str
    params: int | None = None
    """Only where the network itself is not to be had."""
    macs: int | None = None
    """Only where the network itself is not to be had."""


@cache
def published() -> Mapping[str, Published]:
    """Read the table of the package: networks by the name that `gensynth score` takes."""
    file = resources.files("gensynth.resources") / "peers_top1.json"
    return from_plain(
        dict[str, Published], loads(file.read_text(encoding="utf-8"), file.name), file.name
    )


def make(spec: Mapping[str, Any]) -> "nn.Module":
    """Build timm's network `spec["name"]` with fresh weights.

    `classes` and `channels` are those of the task. Networks that are trained in a wider form than
    they run in (MobileOne, RepVGG) come fused for inference unless `fused` is false. The name may
    be that of a form of a network, as `read_form` reads it. `InputError` where timm is missing,
    the name is unknown, or timm cannot build it so.
    """
    timm, place = _import_timm(), f"timm:{spec['name']}"
    form = read_form(str(spec["name"]))
    if not timm.is_model(form.name):
        raise unknown(place, "timm network", form.name, timm.list_models())
    channels = spec.get("channels", 3)
    build = maker(form, timm)
    try:
        model = build(num_classes=spec.get("classes", 1000), in_chans=channels)
    except Exception as error:
        raise InputError(place, f"timm cannot build it: {error}") from error
    if form.for_small_images:
        remove_first_stride(model, int(channels), f"timm:{form.name}")
    return fused(model) if spec.get("fused", True) else model


def is_known(name: str) -> bool:
    """Say whether timm has a network `name`; where timm is missing, it has none."""
    try:
        return bool(_import_timm().is_model(name.partition("+")[0]))
    except InputError:
        return False


def image_size(name: str) -> int | None:
    """Give the height and width (pixels) that timm made its network `name` for, where it says."""
    timm = _import_timm()
    name = read_form(name).name
    settings = timm.get_pretrained_cfg(name) if timm.is_model(name) else None
    return int(settings.input_size[-1]) if settings is not None else None


def fused(model: "nn.Module") -> "nn.Module":
    """Bring a network, trained in a wider form than it runs in, into the one it runs in."""
    narrow: nn.Module = import_module("timm.utils").reparameterize_model(model, inplace=True)
    return narrow


@cache
def _import_timm() -> Any:
    try:
        with suppress(RuntimeError):
            import_module("torchvision")
            return import_module("timm")
        _declare_torchvision_operators()
        return import_module("timm")
    except ImportError as error:
        problem = f'needs timm ({error}): pip install "gensynth[peers]"'
        raise InputError("timm", problem) from error


def _declare_torchvision_operators() -> None:
    """Let torchvision import beside a torch that its binary was not built for.

    PyPI's torchvision is built for CUDA; beside a CPU build of torch its operators do not load,
    and its import, which timm needs, fails at their missing schemas. Nothing here calls them.
    """
    library = import_module("torch.library").Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _LIBRARIES.append(library)


_LIBRARIES: list[Any] = []
"""Keeps the declarations alive: they end with their library object."""
