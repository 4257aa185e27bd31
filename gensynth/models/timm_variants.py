"""Variants of timm's networks: narrower, wider, or for small images.

`NAME+width0.5` has half the channels in each block (and the full width of the head, if timm's own
narrower versions keep it), `NAME+stride1` lacks the first stride, `NAME+width0.5+stride1` is both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gensynth.errors import InputError, unknown

if TYPE_CHECKING:
    from torch import nn

SMALL_IMAGES = "+stride1"
"""Suffix of a network's name: without its first stride."""
WIDTH_SUFFIX = "+width"
"""Suffix of a network's name, before a number: multiplies the channels of each block."""
LEAST_WIDTH, MOST_WIDTH = 0.05, 4.0
SCALABLE = {
    "fbnetc_100": ("efficientnet", "_gen_fbnetc"),
    "mobilenetv1_100": ("efficientnet", "_gen_mobilenet_v1"),
    "mobilenetv2_100": ("efficientnet", "_gen_mobilenet_v2"),
    "mobilenetv3_large_100": ("mobilenetv3", "_gen_mobilenet_v3"),
    "mobilenetv3_small_100": ("mobilenetv3", "_gen_mobilenet_v3"),
}
"""Networks that timm can build at any width: the module of `timm.models`, and its function."""


@dataclass(frozen=True)
class Variant:
    """A network of timm, and how it differs from the one of that name."""

    name: str
    width: float = 1.0
    """Factor for the channels of each block, which are rounded as timm rounds them."""
    for_small_images: bool = False
    """Whether the first stride is removed."""


def read_variant(text: str) -> Variant:
    """Parse `NAME`, `NAME+width0.5`, `NAME+stride1` or `NAME+width0.5+stride1`.

    Raises:
        InputError: `text` is none of these.

    >>> read_variant("resnet18+stride1")
    Variant(name='resnet18', width=1.0, for_small_images=True)
    """
    name, *words = text.split("+")
    width, small, kinds = 1.0, False, [word.rstrip("0123456789.") for word in words]
    for word, kind in zip(words, kinds, strict=True):
        if kinds.count(kind) > 1:
            raise InputError(f"timm:{text}", f"expected +{kind} once, got it more than once")
        if f"+{word}" == SMALL_IMAGES:
            small = True
        elif f"+{word}".startswith(WIDTH_SUFFIX):
            width = _width(word.removeprefix(WIDTH_SUFFIX[1:]), text)
        else:
            valid = [SMALL_IMAGES, f"{WIDTH_SUFFIX}0.5"]
            raise unknown(f"timm:{text}", "variant", f"+{word}", valid)
    return Variant(name, width, small)


def _width(word: str, text: str) -> float:
    try:
        width = float(word) if word == word.strip() else float("nan")
    except ValueError:
        width = float("nan")
    if not LEAST_WIDTH <= width <= MOST_WIDTH:
        problem = f"the width must be from {LEAST_WIDTH} to {MOST_WIDTH:g}, got {word!r}"
        raise InputError(f"timm:{text}", problem)
    return width


def builder_of(variant: Variant, timm: Any) -> Callable[..., "nn.Module"]:
    """Return the function of timm that builds the network at its width.

    Raises:
        InputError: timm builds the network at one width only.
    """
    name, width = variant.name, variant.width
    if width == 1.0:
        return lambda **keywords: timm.create_model(name, pretrained=False, **keywords)
    if name not in SCALABLE:
        problem = f"timm builds it at one width only; valid: {', '.join(SCALABLE)}"
        raise InputError(f"timm:{name}{WIDTH_SUFFIX}{width:g}", problem)
    module, function = SCALABLE[name]
    build = getattr(import_module(f"timm.models.{module}"), function)
    return lambda **keywords: build(name, channel_multiplier=width, **keywords)


def remove_first_stride(model: "nn.Module", channels: int, place: str) -> None:
    """Set to 1 the stride of every convolution that reads the image of `channels`.

    Raises:
        InputError: there is no such convolution of stride 2; `place` names the network.
    """
    from torch import nn

    named: Mapping[str, Any] = dict(model.named_modules())
    readers = [
        path
        for path, layer in named.items()
        if isinstance(layer, nn.Conv2d) and layer.in_channels == channels and max(layer.stride) == 2
    ]
    if not readers:
        problem = "the network has no convolution of stride 2 that reads the image"
        raise InputError(place + SMALL_IMAGES, problem)
    for path in readers:
        named[path].stride = (1, 1)
        while path:  # Blocks that are fused later keep the stride as an attribute, too.
            path = path.rpartition(".")[0]
            if isinstance(getattr(named[path], "stride", None), int):
                named[path].stride = 1
