"""Picture files: what their headers say, and their pixels as uint8."""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from gensynth.data.preprocessing import Preprocessing, pixels_of
from gensynth.errors import install
from gensynth.process import usable_cores

GREY_MODES = frozenset(("1", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L"))
MOST_PIXELS, MOST_PIXELS_16 = 2**27, 2**25
"""Pixels of the largest picture that is decoded; and of one with 16 bits, which takes more."""
BIG = 2**24
"""Pictures with more pixels are decoded one at a time: each takes hundreds of megabytes."""
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_BIG_ONES = Lock()
LONGEST = 100
"""Largest ratio of a picture's sides."""
CHUNK = 512
"""Pictures that the threads decode ahead at most; bounds the memory in use."""

FAINT = 64
"""A 16-bit colour picture whose upper 8 bits stay below this has kept at most six of them."""


def _register_heif() -> bool:
    """Let Pillow read HEIC, the format of phones, if pillow-heif is installed."""
    try:
        heif = import_module("pillow_heif")
    except ImportError:
        return False
    heif.register_heif_opener()
    return True


HAS_HEIF = _register_heif()
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
    transparent: bool = False
    """Whether it may have transparent pixels."""
    white: int = 0
    """Largest value of its pixels if they have 16 bits, otherwise 0."""
    problem: str = ""
    """Why it is not a picture; empty if it seems to be one."""


class PictureChanged(Exception):
    """A file has changed since it was inspected."""


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
            problem = refusal(image)
            if problem:
                return PictureInfo("", problem=problem)
            white = _white(image, data)
            transparent = image.has_transparency_data
            return PictureInfo(sha, (height, width), image.mode in GREY_MODES, transparent, white)
    except _Refused as error:
        return PictureInfo("", problem=str(error))
    # A decoder may raise anything on damaged bytes.
    except Exception as error:
        return PictureInfo(sha, problem=described(error, data))


def decode(path: str, sha256: str, how: Preprocessing) -> NDArray[np.uint8] | str:
    """Decode a file into uint8 (C, H, W), or return the reason why that is not possible.

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
        with _BIG_ONES if _is_big(data) else nullcontext():
            pixels: NDArray[np.uint8] = pixels_of(io.BytesIO(data), how)
    except MemoryError:
        raise
    except Exception as error:
        return described(error)
    return pixels.transpose(2, 0, 1)


def png(image: NDArray[np.uint8]) -> io.BytesIO:
    """Return grey pixels (1, H, W) as an open PNG file, so that they are decoded like any other."""
    file = io.BytesIO()
    Image.fromarray(image[0]).save(file, "PNG")
    file.seek(0)
    return file


def in_parallel(function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """Yield `function(item)` for all `items`, in order, from threads on all usable cores."""
    with ThreadPoolExecutor(usable_cores()) as pool:
        for start in range(0, len(items), CHUNK):
            yield from pool.map(function, items[start : start + CHUNK])


def refusal(image: Image.Image) -> str:
    """Return why a picture is not used although it can be decoded; empty if it is."""
    return _unknown_range(image) or _too_long(image) or _too_large(image)


class _Refused(Exception):
    """A picture that can be decoded, but not without loss."""


def _white(image: Image.Image, data: bytes) -> int:
    """Return the largest value of a picture with 16 bits, otherwise 0.

    Raises:
        _Refused: it has 16 bits a colour, of which Pillow keeps 8, and these hold almost nothing.
    """
    several = _colours_of_16_bits(data)
    if not several and not image.mode.startswith("I"):
        return 0
    with _BIG_ONES if image.width * image.height > BIG else nullcontext():
        values = np.asarray(image.convert("RGB") if several else image)
        white = int(values.max())
    if several and white < FAINT:
        problem = f"has 16 bits a colour, of which only {white} of 255 levels are used"
        raise _Refused(f"{problem}; store it with 8 bits, scaled to their range")
    return 0 if several else white


def _colours_of_16_bits(data: bytes) -> bool:
    """Return whether a file is a PNG with several channels of 16 bits each."""
    return data[:8] == b"\x89PNG\r\n\x1a\n" and data[24:25] == b"\x10" and data[25:26] in b"\2\4\6"


def _is_big(data: bytes) -> bool:
    with Image.open(io.BytesIO(data)) as image:
        return image.width * image.height > BIG


def _too_large(image: Image.Image) -> str:
    """Return the problem with a picture that would take too much memory; empty if none."""
    most = MOST_PIXELS_16 if image.mode.startswith("I") else MOST_PIXELS
    if image.width * image.height <= most:
        return ""
    bits = " of 16 bits" if image.mode.startswith("I") else ""
    return f"has {image.width} x {image.height} pixels{bits}, more than {most:,}; make it smaller"


def _unknown_range(image: Image.Image) -> str:
    """Return the problem with pixels whose value for white is unknown; empty if there is none."""
    if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
        return "has 32-bit pixels of unknown range; store them with 8 or 16 bits"
    return ""


def _too_long(image: Image.Image) -> str:
    """Return the problem with a picture that would be huge before it is cropped; empty if none."""
    long, short = max(image.size), min(image.size)
    return f"is more than {LONGEST} times as long as wide" if long > LONGEST * short else ""


def described(error: Exception, data: bytes = b"") -> str:
    """Return why a picture, whose file may be given as `data`, cannot be read, in one line."""
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS and not HAS_HEIF:
        return f"is a HEIC picture; to read these: {install('heic')}"
    if isinstance(error, Image.DecompressionBombError):
        return f"has more than {MOST_PIXELS:,} pixels; make it smaller"
    if isinstance(error, UnidentifiedImageError):
        return "not an image in a known format"
    return " ".join(f"{type(error).__name__}: {error}".split())
