"""Decoded images on disk: raw uint8 that every process maps, complete or not there at all.

A data set is a folder of three files: `header.json`, `images.bin` (uint8, splits one after the
other) and `labels.bin` (int64, little-endian). It is written under another name and renamed.
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
    """What the two binary files hold."""

    class_names: tuple[str, ...]
    shape: tuple[int, int, int]
    """Of one image: (C, H, W)."""
    counts: Mapping[str, int]
    """Images by split, in the order of the file."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    skipped: int
    """Unreadable pictures that are not among the images."""
    repeated: str = ""
    """Which files stand in several splits or classes, in a sentence."""
    labels_sha256: str = ""
    """Of the file of labels; empty in older ones."""


def load(folder: Path) -> tuple[DataSet, Header] | None:
    """Map the data set in `folder`; None where there is none, or not a whole one."""
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
    data = DataSet(task, header.class_names, splits, header.mean, header.std, folder.name)
    return data, header


def _fits(header: Header, labels: NDArray[np.int64], stored: bytes) -> bool:
    """Say whether a header and the labels belong together: nobody checks them any later."""
    channels = header.shape[0]
    return (
        len(labels) == sum(header.counts[name] for name in SPLITS)
        and bool(np.all((labels >= 0) & (labels < len(header.class_names))))
        and len(header.mean) == len(header.std) == channels
        and header.labels_sha256 in ("", hashlib.sha256(stored).hexdigest())
    )


class Decoded(NamedTuple):
    """One picture on its way into the cache; `pixels` uint8 (C, H, W), None = skipped."""

    split: str
    label: int
    pixels: NDArray[np.uint8] | None


def write(
    folder: Path,
    class_names: tuple[str, ...],
    shape: tuple[int, int, int],
    pictures: Iterable[Decoded],
    repeated: str = "",
) -> None:
    """Write a data set of `pictures`, which come in the order of `SPLITS`.

    Nothing stands under the name `folder` before all of it is on disk; what a killed process
    left behind is removed. Only one process may write at a time.

    Raises:
        InputError: the disk is full, or may not be written to.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        labels, counts, skipped = _write_images(partial / IMAGES, pictures)
        stored = np.array(labels, LABEL_TYPE).tobytes()
        _write_bytes(partial / LABELS, stored)
        train = _map(partial / IMAGES, (len(labels), *shape))[: counts["train"]]
        known = (*statistics(train), skipped, repeated, hashlib.sha256(stored).hexdigest())
        header = Header(class_names, shape, counts, *known)
        _write_bytes(partial / HEADER, dumps(header).encode())
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except OSError as error:
        raise InputError(str(folder.parent), f"cannot be written ({error.strerror})") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_images(path: Path, pictures: Iterable[Decoded]) -> tuple[list[int], dict[str, int], int]:
    """Append the pixels of `pictures`; give labels, images by split, and how many were skipped."""
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


def _write_bytes(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        _sync(file)


def _sync(file: BufferedWriter) -> None:
    file.flush()
    os.fsync(file.fileno())


def _map(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Map a file of exactly this shape; `ValueError` where it has another length."""
    if path.stat().st_size != math.prod(shape):
        raise ValueError(f"{path} has {path.stat().st_size} bytes, not {math.prod(shape)}")
    # Copy on write: torch wants writable memory, and nobody may write to the file.
    return np.memmap(path, np.uint8, "c", shape=shape)
