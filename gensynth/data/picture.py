"""Picture files: what their headers say, and their pixels as uint8."""

import errno
import hashlib
import io
import os
import stat
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from gensynth.data.decoding_memory import MOST_PIXELS, SHARED, opened, room_for, too_large
from gensynth.data.preprocessing import Preprocessing, pixels_of
from gensynth.errors import install
from gensynth.process import usable_cores

GREY_MODES = frozenset(("1", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L"))
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_BITS_PER_SAMPLE = 258
"""The tag of a TIFF file with the bits of each channel."""
LONGEST = 100
"""Largest ratio of a picture's sides."""
CHUNK = 512
"""Pictures that the threads decode ahead at most, if they are small."""

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
    data = b""
    try:
        with room_for(partial(open_picture, path)) as problem:
            if problem:
                return PictureInfo("", problem=problem)
            data = Path(path).read_bytes()
            return _inspected(data)
    except UnidentifiedImageError as error:
        return _damaged(path, error)
    except OSError as error:
        if data or not error.errno:
            return _damaged(path, error)
        return PictureInfo("", problem=error.strerror or str(error))
    # A decoder may raise anything on damaged bytes.
    except Exception as error:
        return _damaged(path, error)


def open_picture(path: str | Path) -> io.BufferedReader:
    """Open a file for reading; raise `OSError` for what is none, such as a pipe."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "is not a file")
    return open(path, "rb")


def _inspected(data: bytes) -> PictureInfo:
    sha = hashlib.sha256(data).hexdigest()
    with opened(io.BytesIO(data)) as image:
        white, problem = usable(image, data)
        if problem:
            return PictureInfo("", problem=problem)
        width, height = _upright_size(image)
        transparent = image.has_transparency_data
        return PictureInfo(sha, (height, width), image.mode in GREY_MODES, transparent, white)


def _damaged(path: str, error: Exception) -> PictureInfo:
    """Return what is known of a file that is not a picture, without reading it into memory."""
    try:
        with open_picture(path) as file:
            head = file.read(12)
            file.seek(0)
            sha = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as gone:
        return PictureInfo("", problem=gone.strerror or str(gone))
    return PictureInfo(sha, problem=described(error, head))


def decode(path: str, sha256: str, how: Preprocessing) -> NDArray[np.uint8] | str:
    """Decode a file into uint8 (C, H, W), or return the reason why that is not possible.

    Raises:
        PictureChanged: the file's content has changed since it was inspected.
    """
    try:
        with room_for(partial(open_picture, path)) as problem:
            if problem:
                raise PictureChanged(f"changed ({problem})")
            data = _unchanged(path, sha256)
            pixels: NDArray[np.uint8] = pixels_of(io.BytesIO(data), how)
    except (MemoryError, PictureChanged):
        raise
    except Exception as error:
        _unchanged(path, sha256)
        return described(error)
    return pixels.transpose(2, 0, 1)


def _unchanged(path: str, sha256: str) -> bytes:
    """Read a file; raise `PictureChanged` if it is not the one that was inspected."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise PictureChanged(f"changed ({error.strerror})") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise PictureChanged("changed")
    return data


def png(image: NDArray[np.uint8]) -> io.BytesIO:
    """Return grey pixels (1, H, W) as an open PNG file, so that they are decoded like any other."""
    file = io.BytesIO()
    Image.fromarray(image[0]).save(file, "PNG")
    file.seek(0)
    return file


def in_parallel(
    function: Callable[[T], R], items: Sequence[T], result_bytes: int = 0
) -> Iterator[R]:
    """Yield `function(item)` for all `items`, in order, from threads on all usable cores.

    No more results wait to be taken than fit into memory, if each has `result_bytes`.
    """
    cores = usable_cores()
    chunk = min(CHUNK, max(cores, SHARED // max(1, result_bytes)))
    with ThreadPoolExecutor(cores) as pool:
        for start in range(0, len(items), chunk):
            yield from pool.map(function, items[start : start + chunk])


def usable(image: Image.Image, data: bytes) -> tuple[int, str]:
    """Return what white is, and why a picture is not used although it can be decoded.

    White is the largest value of a picture with 16 bits, otherwise 0. The reason is empty if it is
    used. Pillow keeps 8 of 16 bits a colour; if these hold almost nothing, it is not.
    """
    problem = _unknown_range(image) or _too_long(image) or too_large(image)
    several = _colours_of_16_bits(image, data)
    if problem or (not several and not image.mode.startswith("I")):
        return 0, problem
    white = int(np.asarray(image.convert("RGB") if several else image).max())
    if several and white < FAINT:
        problem = f"has 16 bits a colour, of which only {white} of 255 levels are used; store it "
        return 0, f"{problem}with 8 bits, scaled to their range"
    return (0 if several else white), ""


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """Return width and height after the picture is turned upright by its EXIF orientation."""
    # Pillow gives those of a TIFF upright, and decodes a PNG to look for its orientation.
    turned = image.format != "TIFF" and image.getexif().get(0x0112, 1) >= 5
    return image.size[::-1] if turned else image.size


def _colours_of_16_bits(image: Image.Image, data: bytes) -> bool:
    """Return whether a file is a PNG or a TIFF with several channels of 16 bits each."""
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, ())
        return len(bits) > 1 and max(bits) > 8
    return image.format == "PNG" and data[24:25] == b"\x10" and data[25:26] in b"\2\4\6"


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
        return f"is a HEIC picture; to read these: {install('heic')}"
    if isinstance(error, Image.DecompressionBombError):
        return f"has more than {MOST_PIXELS:,} pixels; make it smaller"
    if isinstance(error, UnidentifiedImageError):
        return "not an image in a known format"
    if isinstance(error, OSError) and error.errno:
        return error.strerror or str(error)
    return " ".join(f"{type(error).__name__}: {error}".split())
