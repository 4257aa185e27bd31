"""Forms of timm's networks: narrower or wider ones, and ones for images of few pixels.

`NAME+width0.5` is NAME with half of its blocks' channels (where timm's own narrower versions keep
the width of the head, so does this), `NAME+stride1` without its first stride, and
`NAME+width0.5+stride1` both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gensynth.errors import InputError, unknown

if TYPE_CHECKING:
    from torch import nn

SMALL_IMAGES = "+stride1"
"""After a timm network's name: without its first stride."""
WIDTH = "+width"
"""After a timm network's name, before a number: so many times the channels of its blocks."""
LEAST_WIDTH, MOST_WIDTH = 0.05, 4.0
SCALABLE = {
    "fbnetc_100": ("efficientnet", "_gen_fbnetc"),
    "mobilenetv1_100": ("efficientnet", "_gen_mobilenet_v1"),
    "mobilenetv2_100": ("efficientnet", "_gen_mobilenet_v2"),
    "mobilenetv3_large_100": ("mobilenetv3", "_gen_mobilenet_v3"),
    "mobilenetv3_small_100": ("mobilenetv3", "_gen_mobilenet_v3"),
}
"""Networks that timm makes at any width: the module of `timm.models`, and its function."""


@dataclass(frozen=True)
class Form:
    """A network of timm, and how it differs from the one of that name."""

    name: str
    width: float = 1.0
    """Channels of each block as a multiple of NAME's, rounded as timm rounds them."""
    for_small_images: bool = False


def read_form(text: str) -> Form:
    """Read `NAME`, `NAME+width0.5`, `NAME+stride1` or both; `InputError` for anything else."""
    name, *words = text.split("+")
    width, small, kinds = 1.0, False, [word.rstrip("0123456789.") for word in words]
    for word, kind in zip(words, kinds, strict=True):
        if kinds.count(kind) > 1:
            raise InputError(f"timm:{text}", f"says +{kind} more than once")
        if f"+{word}" == SMALL_IMAGES:
            small = True
        elif f"+{word}".startswith(WIDTH):
            width = _width(word.removeprefix(WIDTH[1:]), text)
        else:
            raise unknown(f"timm:{text}", "form", f"+{word}", [SMALL_IMAGES, f"{WIDTH}0.5"])
    return Form(name, width, small)


def _width(word: str, text: str) -> float:
    try:
        width = float(word) if word == word.strip() else float("nan")
    except ValueError:
        width = float("nan")
    if not LEAST_WIDTH <= width <= MOST_WIDTH:
        problem = f"expected a width of {LEAST_WIDTH} to {MOST_WIDTH:g}, got {word!r}"
        raise InputError(f"timm:{text}", problem)
    return width


def maker(form: Form, timm: Any) -> Callable[..., "nn.Module"]:
    """Give what builds the network at its width, of timm's keywords."""
    if form.width == 1.0:
        return lambda **keywords: timm.create_model(form.name, pretrained=False, **keywords)
    if form.name not in SCALABLE:
        problem = f"timm makes it at one width only; at any: {', '.join(SCALABLE)}"
        raise InputError(f"timm:{form.name}{WIDTH}{form.width:g}", problem)
    module, function = SCALABLE[form.name]
    make = getattr(import_module(f"timm.models.{module}"), function)
    return lambda **keywords: make(form.name, channel_multiplier=form.width, **keywords)


def remove_first_stride(model: "nn.Module", channels: int, place: str) -> None:
    """Let every strided convolution that reads the image, and the block around it, step by one."""
    from torch import nn

    named: Mapping[str, Any] = dict(model.named_modules())
    readers = [
        path
        for path, layer in named.items()
        if isinstance(layer, nn.Conv2d) and layer.in_channels == channels and max(layer.stride) == 2
    ]
    if not readers:
        raise InputError(
            place + SMALL_IMAGES, "has no convolution of stride 2 that reads the image"
        )
    for path in readers:
        named[path].stride = (1, 1)
        while path:  # A block that is fused later remembers the stride by itself.
            path = path.rpartition(".")[0]
            if isinstance(getattr(named[path], "stride", None), int):
                named[path].stride = 1
