"""How much memory decoding a picture takes, and a limit on what all threads take together."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from typing import Any

from PIL import Image

from gensynth.process import return_freed_memory

_FORMATS = (
    *("PNG", "JPEG", "JPEG2000", "BMP", "DIB", "GIF", "WEBP", "TIFF", "PPM", "TGA"),
    *("AVIF", "HEIF"),
)
MOST_PIXELS, MOST_PIXELS_16 = 2**27, 2**25
"""Pixels of the largest picture that is decoded; and of one with 16 bits, which takes more."""
MOST_BYTES = 2**29
"""Size of the largest file that is read: the largest picture, not compressed."""
SHARED = 2**30
"""Bytes that the pictures may take which are decoded at the same time. A larger one is alone."""
BYTES_PER_PIXEL, BYTES_PER_PIXEL_JPEG_2000 = 20, 30
"""Peak of decoding with transparency or 16 bits, measured as the growth of the resident size."""
LARGE = 2**24
"""Bytes of a picture whose memory is returned to the system at once."""
_TILE_WIDTH, _TILE_LENGTH = 322, 323


def opened(file: Any) -> Image.Image:
    """Open a picture's file to read its header.

    Pillow knows more formats than a data set may hold, whatever a file's name says. Some of them
    are read in slow loops, and EPS by running another program.
    """
    Image.init()
    return Image.open(file, formats=[name for name in _FORMATS if name in Image.OPEN])


class Memory:
    """An amount of memory that threads share; each waits until there is enough for it."""

    def __init__(self, total: int) -> None:
        """Share `total` bytes."""
        self._total, self._used, self._changed = total, 0, Condition()

    @contextmanager
    def of(self, amount: int) -> Iterator[None]:
        """Take `amount` bytes for the block; one that exceeds the total waits to be alone.

        A block must not take more: threads that hold a part each would wait for each other.
        """
        amount = min(amount, self._total)
        with self._changed:
            self._changed.wait_for(lambda: self._used + amount <= self._total)
            self._used += amount
        try:
            yield
        finally:
            with self._changed:
                self._used -= amount
                self._changed.notify_all()


MEMORY = Memory(SHARED)


@contextmanager
def room_for(open_file: Callable[[], Any]) -> Iterator[str]:
    """Wait until there is memory for reading and decoding a picture; yield why it is refused.

    Args:
        open_file: returns the file, open for reading from its beginning.

    Yields:
        Why the picture must not be decoded; empty if it may be.

    Raises:
        OSError: the file cannot be read, or is not a picture.
    """
    with open_file() as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if size > MOST_BYTES:
            yield f"has {size:,} bytes, more than {MOST_BYTES:,}; make it smaller"
            return
        # Some decoders read all of the file to see its header.
        with MEMORY.of(size), opened(file) as image:
            problem = too_large(image)
            amount = size + _decoded_bytes(image)
    if problem:
        yield problem
        return
    with MEMORY.of(amount):
        try:
            yield ""
        finally:
            if amount > LARGE:
                return_freed_memory()


def too_large(image: Image.Image) -> str:
    """Return the problem with a picture that would take too much memory; empty if none."""
    most = MOST_PIXELS_16 if image.mode.startswith("I") else MOST_PIXELS
    bits = " of 16 bits" if image.mode.startswith("I") else ""
    if image.width * image.height > most:
        found = f"{image.width} x {image.height} pixels{bits}"
        return f"has {found}, more than {most:,}; make it smaller"
    if _tile(image) > most:
        return f"has tiles of {_tile(image):,} pixels{bits}, more than {most:,}"
    return ""


def _decoded_bytes(image: Image.Image) -> int:
    each = BYTES_PER_PIXEL_JPEG_2000 if image.format == "JPEG2000" else BYTES_PER_PIXEL
    return each * max(image.width * image.height, _tile(image))


def _tile(image: Image.Image) -> int:
    """Return the pixels of a TIFF's tile, which is decoded whole, however small the picture is."""
    tags = getattr(image, "tag_v2", {})
    sides = [tags.get(tag, 0) for tag in (_TILE_WIDTH, _TILE_LENGTH)]
    return sides[0] * sides[1] if all(isinstance(side, int) for side in sides) else 0
