"""Picture files: what their headers say, and their pixels as uint8."""

import hashlib
import io
import os
import stat
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from gensynth.data.preprocessing import Preprocessing, pixels_of
from gensynth.process import usable_cores

GREY_MODES = frozenset(("1", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L"))
MOST_PIXELS, MOST_PIXELS_16 = 2**27, 2**25
"""Pixels of the largest picture that is decoded; and of one with 16 bits, which takes more."""
BIG = 2**24
"""Pictures with more pixels are decoded one at a time: each takes hundreds of megabytes."""
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_BIG_ONES = Lock()
BITS_PER_SAMPLE = 258
"""The tag of a TIFF file with the bits of each channel."""
PROGRAMS = frozenset(("EPS", "WMF"))
"""Formats that Pillow hands to Ghostscript or to the system."""
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
# Of damaged metadata, and of sizes that have limits here. Not by a context: threads share these.
warnings.filterwarnings("ignore", module=r"PIL\.")
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
        data = content_of(path)
    except OSError as error:
        return PictureInfo("", problem=error.strerror or str(error))
    sha = hashlib.sha256(data).hexdigest()
    try:
        with Image.open(io.BytesIO(data)) as image:
            width, height = _upright_size(image)
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
        data = content_of(path)
    except OSError as error:
        raise PictureChanged(f"changed ({error.strerror})") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise PictureChanged("changed")
    pixels: NDArray[np.uint8] | str = read_by(lambda file: pixels_of(file, how), data)
    return pixels if isinstance(pixels, str) else pixels.transpose(2, 0, 1)


def content_of(path: str | Path) -> bytes:
    """Return the bytes of a file; raise `OSError` for what cannot be read, such as a pipe."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(0, "is not a file")
    return Path(path).read_bytes()


def read_by(prepare: Callable[[io.BytesIO], Any], data: bytes) -> Any:
    """Return what `prepare` makes of the content of a picture file, or why that is impossible.

    Big pictures are prepared one at a time.
    """
    try:
        with _BIG_ONES if _is_big(data) else nullcontext():
            return prepare(io.BytesIO(data))
    except MemoryError:
        raise
    # A decoder may raise anything on damaged bytes.
    except Exception as error:
        return described(error, data)


def refusal_of(data: bytes) -> str:
    """Return why the content of a file is not used as a picture; empty if it is."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            _white(image, data)
    except _Refused as error:
        return str(error)
    except MemoryError:
        raise
    except Exception as error:
        return described(error, data)
    return ""


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


class _Refused(Exception):
    """A picture that could be decoded, but only with loss, at great cost or by a program."""


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """Return width and height after the picture is turned upright by its EXIF orientation."""
    turned = image.format != "TIFF" and image.getexif().get(0x0112, 1) >= 5
    return image.size[::-1] if turned else image.size  # Pillow gives those of a TIFF upright.


def _white(image: Image.Image, data: bytes) -> int:
    """Return the largest value of a picture with 16 bits, otherwise 0.

    Raises:
        _Refused: the picture is not used; among others, if it has 16 bits a colour, of which Pillow
            keeps 8, and these hold almost nothing.
    """
    problem = _program(image) or _unknown_range(image) or _too_long(image) or _too_large(image)
    if problem:
        raise _Refused(problem)
    several = _colours_of_16_bits(image, data)
    if not several and not image.mode.startswith("I"):
        return 0
    with _BIG_ONES if image.width * image.height > BIG else nullcontext():
        values = np.asarray(image.convert("RGB") if several else image)
        white = int(values.max())
    if several and white < FAINT:
        problem = f"has 16 bits a colour, of which only {white} of 255 levels are used"
        raise _Refused(f"{problem}; store it with 8 bits, scaled to their range")
    return 0 if several else white


def _colours_of_16_bits(image: Image.Image, data: bytes) -> bool:
    """Return whether a file is a PNG or a TIFF with several channels of 16 bits each."""
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(BITS_PER_SAMPLE, ())
        return len(bits) > 1 and max(bits) > 8
    return image.format == "PNG" and data[24:25] == b"\x10" and data[25:26] in b"\2\4\6"


def _program(image: Image.Image) -> str:
    """Return the problem with a file that Pillow would have another program draw; else empty."""
    return f"is a program ({image.format}), not a picture" if image.format in PROGRAMS else ""


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
        kind = "32-bit or signed pixels"
        return f"has {kind} of unknown range; store them with 8 or 16 bits, unsigned"
    return ""


def _too_long(image: Image.Image) -> str:
    """Return the problem with a picture that would be huge before it is cropped; empty if none."""
    long, short = max(image.size), min(image.size)
    problem = f"has one side more than {LONGEST} times as long as the other"
    return problem if long > LONGEST * short else ""


def described(error: Exception, data: bytes = b"") -> str:
    """Return why a picture, whose file may be given as `data`, cannot be read, in one line."""
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS and not HAS_HEIF:
        return 'is a HEIC picture; to read these: pip install "gensynth[heic]" (pillow-heif)'
    if isinstance(error, Image.DecompressionBombError):
        return f"has more than {MOST_PIXELS:,} pixels; make it smaller"
    if isinstance(error, UnidentifiedImageError):
        return "not an image in a known format"
    return " ".join(f"{type(error).__name__}: {error}".split())
