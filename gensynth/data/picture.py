"""Picture files: what their headers say, and their pixels as uint8."""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from gensynth.process import usable_cores

GREY_MODES = frozenset(("1", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L"))
CHUNK = 512
"""Pictures that the threads decode ahead at most; bounds the memory in use."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class PictureInfo:
    """What is known about a picture before its pixels are decoded."""

    sha256: str
    """SHA-256 of the file's bytes; empty if they cannot be read or have an unknown range."""
    size: tuple[int, int] = (0, 0)
    """Height and width in pixels."""
    grey: bool = True
    problem: str = ""
    """Why it is not a picture; empty if it seems to be one."""


class PictureChanged(Exception):
    """A file has changed since it was inspected."""


@dataclass(frozen=True)
class Target:
    """The shape into which pictures are decoded."""

    channels: int
    height: int
    width: int


def inspect(path: str) -> PictureInfo:
    """Read a file and return the digest of its content and what its header says."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        return PictureInfo("", problem=error.strerror or str(error))
    sha = hashlib.sha256(data).hexdigest()
    try:
        with Image.open(io.BytesIO(data)) as image:
            turned = image.getexif().get(0x0112, 1) >= 5
            width, height = image.size[::-1] if turned else image.size
            problem = _unknown_range(image)
            if problem:
                return PictureInfo("", problem=problem)
            return PictureInfo(sha, (height, width), image.mode in GREY_MODES)
    # A decoder may raise anything on damaged bytes.
    except Exception as error:
        return PictureInfo(sha, problem=_described(error))


def decode(path: str, sha256: str, target: Target) -> NDArray[np.uint8] | str:
    """Decode a file into uint8 (C, H, W), or return the reason why that is not possible.

    A picture of another size is scaled to cover the target and cropped around its centre.

    Raises:
        PictureChanged: the file's content has changed since it was inspected.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise PictureChanged(f"changed ({error.strerror})") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise PictureChanged("changed")
    try:
        return _pixels(data, target)
    except MemoryError:
        raise
    except Exception as error:
        return _described(error)


def in_parallel(function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """Yield `function(item)` for all `items`, in order, from threads on all usable cores."""
    with ThreadPoolExecutor(usable_cores()) as pool:
        for start in range(0, len(items), CHUNK):
            yield from pool.map(function, items[start : start + CHUNK])


def _pixels(data: bytes, target: Target) -> NDArray[np.uint8]:
    size = (target.width, target.height)
    with Image.open(io.BytesIO(data)) as opened:
        # Decoding a JPEG at a half, a quarter or an eighth of its size is much faster.
        opened.draft(None, (2 * target.width, 2 * target.height))
        image = ImageOps.exif_transpose(opened)
        image = _convertible(image).convert("L" if target.channels == 1 else "RGB")
        if image.size != size:
            image = ImageOps.fit(image, size, Image.Resampling.BILINEAR)
        pixels = np.asarray(image, dtype=np.uint8)
    return pixels[None] if target.channels == 1 else pixels.transpose(2, 0, 1)


def _unknown_range(image: Image.Image) -> str:
    """Return the problem with pixels whose value for white is unknown; empty if there is none."""
    if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
        return "has 32-bit pixels of unknown range; store them with 8 or 16 bits"
    return ""


def _convertible(image: Image.Image) -> Image.Image:
    """Return the image in a mode that Pillow converts without loss of range."""
    if image.mode == "P":
        return image.convert("RGBA")
    if image.mode not in ("I", "I;16", "I;16B", "I;16L"):
        return image
    # Pillow would clip 16-bit grey at 255 instead of scaling it.
    values = np.asarray(image).astype(np.int64)
    return Image.fromarray(np.clip(values >> 8, 0, 255).astype(np.uint8))


def _described(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image in a known format"
    return " ".join(f"{type(error).__name__}: {error}".split())
