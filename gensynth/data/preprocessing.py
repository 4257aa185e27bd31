"""Preprocessing: every step from a picture file to the input of a network, as one value.

The functions here decode a picture by that value. `predict.py` of an export contains their text, so
an exported network sees a picture exactly as training did. They need numpy and Pillow only.
Training takes the decoded pixels and normalises whole batches: `data/batches.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageOps

from gensynth.errors import InputError

Chain = Literal["one_resize", "two_resizes"]
LARGEST = 4096
"""Largest height and width, in pixels, to which images are decoded."""
WHITE, SHIFTED_WHITE = 65_535, 65_280
"""Default white of 16-bit pictures; and the one by which `value >> 8` scales them."""


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the input of a network.

    The picture is turned upright by its EXIF orientation, 16-bit values are scaled, transparency is
    composited over the background, colours become grey or RGB, and the picture is resized to cover
    `height` x `width` and cropped around its centre. Pixels are then scaled to 0..1 and normalised.

    >>> Preprocessing(3, 32, 32, (0.5,) * 3, (0.25,) * 3).size
    (32, 32)
    """

    channels: int
    """1 = grey, 3 = RGB."""
    height: int
    """Pixels to which a picture is decoded."""
    width: int
    mean: tuple[float, ...] = ()
    """Subtracted from each channel, after scaling to 0..1; empty until it is measured."""
    std: tuple[float, ...] = ()
    """Each channel is divided by it afterwards."""
    background: int | None = 255
    """Grey level, 0 to 255, behind transparent pixels; None = transparency is ignored."""
    white: int = WHITE
    """Value of a 16-bit pixel that becomes 255."""
    fit: Literal["crop", "box"] = "crop"
    """`crop` covers the size with whole pixels and crops, as timm and torchvision do; `box` samples
    a box with fractional edges from a JPEG decoded at a reduced size, as earlier versions did."""
    filter: Literal["bilinear"] = "bilinear"
    """Filter of every resize; it averages over all pixels that become one."""
    then: tuple[int, int] | None = None
    """Height and width of a second resize, of normalised pixels; only of earlier versions."""

    def __post_init__(self) -> None:
        """Raise `InputError` for a size, a number of values or a range that no picture can have."""
        sizes = (self.height, self.width, *(self.then or ()))
        if not all(1 <= pixels <= LARGEST for pixels in sizes):
            raise InputError("size", f"must be from 1 to {LARGEST} pixels, got {sizes}")
        if not (len(self.mean) == len(self.std) and len(self.mean) in (0, self.channels)):
            problem = f"expected {self.channels} values each, got {self.mean} and {self.std}"
            raise InputError("mean and std", problem)
        if not all(map(isfinite, self.mean)) or not all(0 < s < inf for s in self.std):
            problem = f"must be finite, and std above 0, got {self.mean} and {self.std}"
            raise InputError("mean and std", problem)
        if self.white < 1:
            raise InputError("white", f"must be at least 1, got {self.white}")
        behind = 0 if self.background is None and self.fit == "box" else self.background
        if behind is None or not 0 <= behind <= 255:
            raise InputError("background", f"must be from 0 to 255, got {self.background}")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the network's input."""
        return self.then or (self.height, self.width)


def decoding(
    chain: Chain | None,
    channels: int,
    height: int,
    width: int,
    white: int = 0,
    background: int = 255,
) -> Preprocessing:
    """Return the preprocessing of a chain up to its pixels, without mean and std.

    Args:
        chain: None is the present one.
        channels: 1 or 3.
        height: pixels to which pictures are decoded.
        width: likewise.
        white: largest value of the 16-bit pictures of a data set; 0 if it has none.
        background: grey level behind transparent pixels; the earlier chain ignores transparency.
    """
    if chain == "two_resizes":
        return Preprocessing(
            channels, height, width, background=None, white=SHIFTED_WHITE, fit="box"
        )
    return Preprocessing(channels, height, width, background=background, white=white or WHITE)


def decode(file: Any, how: Any) -> Any:
    """Return the pixels of a picture, uint8 (height, width, channels)."""
    image = ImageOps.exif_transpose(Image.open(file))
    if image.mode.startswith("I"):  # 16 bits
        values = np.asarray(image).astype("int64") * 255 // how.white
        image = Image.fromarray(values.clip(0, 255).astype("uint8"))
    if image.has_transparency_data:
        behind = Image.new("RGBA", image.size, (how.background,) * 3 + (255,))
        image = Image.alpha_composite(behind, image.convert("RGBA"))
    image = image.convert("L" if how.channels == 1 else "RGB")
    width = max(how.width, int(how.height * image.width / image.height))
    height = max(how.height, int(how.width * image.height / image.width))
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - how.width) / 2), round((height - how.height) / 2)
    image = image.crop((left, top, left + how.width, top + how.height))
    return np.asarray(image).reshape(how.height, how.width, how.channels)


def decode_box(file: Any, how: Any) -> Any:
    """Return the pixels of a picture, uint8 (height, width, channels)."""
    opened = Image.open(file)
    opened.draft(None, (2 * how.width, 2 * how.height))  # A JPEG, at a reduced size.
    image = ImageOps.exif_transpose(opened)
    if image.mode.startswith("I"):  # 16 bits
        values = np.asarray(image).astype("int64") * 255 // how.white
        image = Image.fromarray(values.clip(0, 255).astype("uint8"))
    image = image.convert("RGBA") if image.mode == "P" else image
    image = image.convert("L" if how.channels == 1 else "RGB")
    image = ImageOps.fit(image, (how.width, how.height), Image.Resampling.BILINEAR)
    return np.asarray(image).reshape(how.height, how.width, how.channels)


def normalise(pixels: Any, how: Any) -> Any:
    """Return what the network takes, float32 (channels, height, width)."""
    return ((pixels / 255 - how.mean) / how.std).transpose(2, 0, 1).astype("float32")


def normalise_resized(pixels: Any, how: Any) -> Any:
    """Return what the network takes, float32 (channels, height, width)."""
    values = ((pixels / 255 - how.mean) / how.std).transpose(2, 0, 1).astype("float32")
    size, planes = tuple(how.then[::-1]), map(Image.fromarray, np.ascontiguousarray(values))
    return np.stack([np.asarray(p.resize(size, Image.Resampling.BILINEAR)) for p in planes])


Step = Callable[[Any, Any], Any]


def steps(how: Preprocessing) -> tuple[Step, Step]:
    """Return the functions that decode a picture and that normalise its pixels."""
    return (
        decode if how.fit == "crop" else decode_box,
        normalise if how.then is None else normalise_resized,
    )


def pixels_of(file: Any, how: Preprocessing) -> Any:
    """Decode a picture, a path or an open file, into uint8 (height, width, channels)."""
    return steps(how)[0](file, how)


def prepared(file: Any, how: Preprocessing) -> Any:
    """Return a picture as the network takes it, float32 (channels, height, width)."""
    return steps(how)[1](pixels_of(file, how), how)
