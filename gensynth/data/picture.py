"""Pictures as files: what their headers say, and their pixels as uint8."""

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
"""Pictures handed to the threads at once: bounds the memory that waits to be written."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Look:
    """What is known of a picture before its pixels are decoded."""

    sha256: str
    """Of the file's bytes; empty where they cannot be read, or not be understood."""
    size: tuple[int, int] = (0, 0)
    """Height and width in pixels."""
    grey: bool = True
    problem: str = ""
    """Why it is no picture; empty where it seems to be one."""


class Changed(Exception):
    """A file is not what it was when it was looked at."""


@dataclass(frozen=True)
class Target:
    """How pictures are to be decoded."""

    channels: int
    height: int
    width: int


def look(path: str) -> Look:
    """Read a file, name its content, and see what its header says."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        return Look("", problem=error.strerror or str(error))
    sha = hashlib.sha256(data).hexdigest()
    try:
        with Image.open(io.BytesIO(data)) as image:
            turned = image.getexif().get(0x0112, 1) >= 5
            width, height = image.size[::-1] if turned else image.size
            problem = _unknown_range(image)
            if problem:
                return Look("", problem=problem)
            return Look(sha, (height, width), image.mode in GREY_MODES)
    # A decoder may raise anything on damaged bytes.
    except Exception as error:
        return Look(sha, problem=_words(error))


def decode(path: str, sha256: str, target: Target) -> NDArray[np.uint8] | str:
    """Decode a file into uint8 (C, H, W), or say in words why it cannot be.

    A picture of another size is scaled until it covers the target, and cut around its centre.

    Raises:
        Changed: the file's bytes are not those that were looked at.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise Changed(f"changed ({error.strerror})") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Changed("changed")
    try:
        return _pixels(data, target)
    except MemoryError:
        raise
    except Exception as error:
        return _words(error)


def each(function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """Apply `function` to all `items`, in order, on all cores; decoders release the GIL."""
    with ThreadPoolExecutor(usable_cores()) as pool:
        for start in range(0, len(items), CHUNK):
            yield from pool.map(function, items[start : start + CHUNK])


def _pixels(data: bytes, target: Target) -> NDArray[np.uint8]:
    size = (target.width, target.height)
    with Image.open(io.BytesIO(data)) as opened:
        # JPEG decodes at a half, a quarter or an eighth of its size much faster.
        opened.draft(None, (2 * target.width, 2 * target.height))
        image = ImageOps.exif_transpose(opened)
        image = _plain(image).convert("L" if target.channels == 1 else "RGB")
        if image.size != size:
            image = ImageOps.fit(image, size, Image.Resampling.BILINEAR)
        pixels = np.asarray(image, dtype=np.uint8)
    return pixels[None] if target.channels == 1 else pixels.transpose(2, 0, 1)


def _unknown_range(image: Image.Image) -> str:
    """Say what is wrong with pixels of which nobody knows what is white; empty if nothing."""
    if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
        return "has pixels of 32 bits, of which the range is not known: store them as 8 or 16 bits"
    return ""


def _plain(image: Image.Image) -> Image.Image:
    """Turn what pillow would convert badly into what it converts well."""
    if image.mode == "P":
        return image.convert("RGBA")
    if image.mode not in ("I", "I;16", "I;16B", "I;16L"):
        return image
    # Pillow would cut 16-bit grey off at 255 instead of scaling it.
    values = np.asarray(image).astype(np.int64)
    return Image.fromarray(np.clip(values >> 8, 0, 255).astype(np.uint8))


def _words(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image that can be read"
    return " ".join(f"{type(error).__name__}: {error}".split())
