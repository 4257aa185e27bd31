"""Decompression bombs: small files that would take gigabytes are refused, or wait in turn."""

import io
import shutil
import struct
import subprocess
import sys
import zlib
from functools import partial
from pathlib import Path
from threading import Event, Thread

import pytest
from PIL import Image

from gensynth.data import decoding_memory
from gensynth.data.decoding_memory import (
    BYTES_PER_PIXEL_JPEG_2000,
    SHARED,
    Memory,
    opened,
    room_for,
)
from gensynth.data.picture import inspect
from tests.support.systems import linux


def problem_of(data: bytes) -> str:
    with room_for(partial(io.BytesIO, data)) as problem:
        return problem


def test_who_finds_no_memory_waits_and_who_is_too_large_is_alone() -> None:
    memory, entered, order = Memory(10), Event(), []

    def take(amount: int) -> None:
        entered.set()
        with memory.of(amount):
            order.append(amount)

    with memory.of(4):
        with memory.of(6):
            other = Thread(target=take, args=(25,))
            other.start()
            entered.wait()
        assert order == []
    other.join()
    assert order == [25]


def test_a_file_larger_than_any_picture_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding_memory, "MOST_BYTES", 100)
    path = tmp_path / "large.bmp"
    Image.new("L", (20, 20)).save(path)
    monkeypatch.setattr(Path, "read_bytes", None)
    assert "more than 100; make it smaller" in inspect(str(path)).problem


def test_a_small_tiff_of_huge_tiles_is_refused() -> None:
    assert "has tiles of" in problem_of(tiled(16_384, 16_384))
    assert problem_of(tiled(64, 64)) == ""


def tiled(width: int, length: int) -> bytes:
    """Return a TIFF of 10 x 10 grey pixels, in one deflated tile of the given size."""
    packed = zlib.compress(bytes(width * 64))
    tags = {256: 10, 257: 10, 258: 8, 259: 8, 262: 1, 277: 1, 322: width, 323: length}
    tags |= {324: 8 + 2 + 12 * 10 + 4, 325: len(packed)}
    rows = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items()]
    return b"II*\0" + struct.pack("<IH", 8, len(rows)) + b"".join(rows) + bytes(4) + packed


@pytest.mark.parametrize("kind", ["EPS", "ICNS", "PCX", "XBM"])
def test_formats_that_a_data_set_does_not_hold_are_not_opened(kind: str) -> None:
    file = io.BytesIO()
    size = (32, 32) if kind == "ICNS" else (8, 8)
    Image.new("1" if kind == "XBM" else "RGB", size).save(file, kind)
    file.seek(0)
    with pytest.raises(OSError, match="cannot identify"):
        opened(file)


BOMBS = """
import resource, sys
from concurrent.futures import ThreadPoolExecutor
from gensynth.data.picture import inspect, decode
from gensynth.data.preprocessing import Preprocessing

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
paths = sys.argv[1:]
with ThreadPoolExecutor(len(paths)) as pool:
    infos = list(pool.map(inspect, paths))
    how = Preprocessing(3, 32, 32)
    list(pool.map(lambda p, i: i.problem or decode(p, i.sha256, how), paths, infos))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@linux
@pytest.mark.slow
def test_bombs_at_once_take_no_more_memory_than_one_by_one(tmp_path: Path) -> None:
    paths = []
    for suffix in ("png", "jp2", "tif"):
        first = tmp_path / f"0.{suffix}"
        Image.new("RGBA", (4_000, 4_000)).save(first)
        paths += [first, *(shutil.copy(first, tmp_path / f"{n}.{suffix}") for n in (1, 2))]
    command = [sys.executable, "-c", BOMBS, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    one = 4_000**2 * BYTES_PER_PIXEL_JPEG_2000
    assert int(done.stdout) < SHARED + one < len(paths) * 4_000**2 * 16
