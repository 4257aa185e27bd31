"""Decoded images on disk: raw uint8 that all processes map into memory.

A data set is a folder with three files: `header.json`, `images.bin` (uint8, one split after the
other) and `labels.bin` (int64, little-endian). It is written under another name and then renamed,
so it is either complete or not there at all.
"""

import hashlib
import math
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BufferedWriter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gensynth.data.sets import DataSet, Split, statistics
from gensynth.data.split import SPLITS
from gensynth.errors import InputError
from gensynth.serialization import dumps, from_plain, loads
from gensynth.space import Task

HEADER, IMAGES, LABELS = "header.json", "images.bin", "labels.bin"
LABEL_TYPE = np.dtype("<i8")


@dataclass(frozen=True)
class Header:
    """Describes the two binary files."""

    class_names: tuple[str, ...]
    shape: tuple[int, int, int]
    """(C, H, W) of each image."""
    counts: Mapping[str, int]
    """Number of images in each split, in the order of the file."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    skipped: int
    """Number of unreadable pictures, which are not in the files."""
    repeated: str = ""
    """A sentence about files that occur in several splits or classes; empty if none do."""
    labels_sha256: str = ""
    """SHA-256 of `labels.bin`; empty in caches of earlier versions."""
    white: int = 0
    """Largest value of the 16-bit pictures; 0 if there are none."""


def load(folder: Path) -> tuple[DataSet, Header] | None:
    """Map the data set in `folder` into memory; return None if it is missing or damaged."""
    try:
        text = (folder / HEADER).read_text(encoding="utf-8")
        header = from_plain(Header, loads(text, HEADER), HEADER)
        total = sum(header.counts[name] for name in SPLITS)
        images = _map(folder / IMAGES, (total, *header.shape))
        stored = (folder / LABELS).read_bytes()
        labels = np.frombuffer(stored, LABEL_TYPE).astype(np.int64)
    except (OSError, InputError, KeyError, ValueError):
        return None
    if not _fits(header, labels, stored):
        return None
    splits, start = {}, 0
    for name in SPLITS:
        rows = slice(start, start := start + header.counts[name])
        splits[name] = Split(images[rows], labels[rows])
    channels, height, width = header.shape
    task = Task(channels, height, width, len(header.class_names))
    facts = (header.mean, header.std, folder.name)
    data = DataSet(task, header.class_names, splits, *facts, white=header.white)
    return data, header


def _fits(header: Header, labels: NDArray[np.int64], stored: bytes) -> bool:
    """Return whether the labels belong to the header; nothing checks this later."""
    channels = header.shape[0]
    return (
        len(labels) == sum(header.counts[name] for name in SPLITS)
        and bool(np.all((labels >= 0) & (labels < len(header.class_names))))
        and len(header.mean) == len(header.std) == channels
        and header.labels_sha256 in ("", hashlib.sha256(stored).hexdigest())
    )


class Decoded(NamedTuple):
    """One picture on its way into the cache."""

    split: str
    label: int
    pixels: NDArray[np.uint8] | None
    """(C, H, W), or None if the picture is unreadable and skipped."""


def write(
    folder: Path,
    class_names: tuple[str, ...],
    shape: tuple[int, int, int],
    pictures: Iterable[Decoded],
    repeated: str = "",
    white: int = 0,
) -> None:
    """Write a data set to `folder`, which appears only once all of it is on disk.

    What a killed process left behind is removed. Only one process may write at a time.

    Args:
        folder: the data set's folder; an existing one is replaced.
        class_names: names of the classes, by label.
        shape: (C, H, W) of each picture.
        pictures: the pictures, in the order of `SPLITS`.
        repeated: see `Header.repeated`.
        white: see `Header.white`.

    Raises:
        InputError: the disk is full or read-only.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        labels, counts, skipped = _write_images(partial / IMAGES, pictures)
        stored = np.array(labels, LABEL_TYPE).tobytes()
        _write_bytes(partial / LABELS, stored)
        mean, std = _statistics(partial / IMAGES, (len(labels), *shape), counts["train"])
        sha256 = hashlib.sha256(stored).hexdigest()
        facts = (counts, mean, std, skipped, repeated, sha256, white)
        _write_bytes(partial / HEADER, dumps(Header(class_names, shape, *facts)).encode())
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except OSError as error:
        raise InputError(str(folder.parent), f"cannot be written ({error.strerror})") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_images(path: Path, pictures: Iterable[Decoded]) -> tuple[list[int], dict[str, int], int]:
    """Write the pixels of `pictures`; return labels, images per split, and number skipped."""
    labels: list[int] = []
    counts = dict.fromkeys(SPLITS, 0)
    skipped = 0
    with path.open("wb") as file:
        for split, label, pixels in pictures:
            if pixels is None:
                skipped += 1
                continue
            file.write(pixels.tobytes())
            labels.append(label)
            counts[split] += 1
        _sync(file)
    return labels, counts, skipped


def _statistics(
    path: Path, shape: tuple[int, ...], train: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the statistics of the first `train` images; Windows cannot rename a mapped file."""
    return statistics(_map(path, shape)[:train])


def _write_bytes(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        _sync(file)


def _sync(file: BufferedWriter) -> None:
    file.flush()
    os.fsync(file.fileno())


def _map(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Map a file of exactly this shape into memory; raise `ValueError` if its size differs."""
    if path.stat().st_size != math.prod(shape):
        raise ValueError(f"{path}: expected {math.prod(shape)} bytes, got {path.stat().st_size}")
    # Copy on write: torch requires writable memory, but the file must not change.
    return np.memmap(path, np.uint8, "c", shape=shape)
