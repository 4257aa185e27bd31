"""Open data by name: the embedded digits, a folder of images, or a data set of the hub."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gensynth.data import cache as image_cache
from gensynth.data.folder import open_folder, task_of_folder
from gensynth.data.hub import fetch
from gensynth.data.picture import png
from gensynth.data.preprocessing import decoding, pixels_of
from gensynth.data.sets import HUB, DataSet, DataSettings, Progress, Split, statistics
from gensynth.data.split import SPLITS, stratified
from gensynth.errors import InputError
from gensynth.serialization import dumps
from gensynth.space import Task


def open_data(
    settings: DataSettings,
    cache: Path | None = None,
    progress: Progress | None = None,
    size: tuple[int, int] | None = None,
) -> DataSet:
    """Open the data of `settings`; images are decoded once into `cache` and mapped from there.

    Args:
        settings: which data to open, and how to split it.
        cache: folder of decoded images; None = `default_cache()`.
        progress: called with (done, total) while images are decoded.
        size: height and width of a network's input, to which each picture is brought in one resize;
            None = the size of the data. With the chain `two_resizes` always the latter.

    Raises:
        InputError: the data does not exist, or cannot be used.

    >>> open_data(DataSettings()).task
    Task(channels=1, height=8, width=8, classes=10)
    """
    if settings.chain == "two_resizes":
        size = None
    if settings.path == "digits":
        return _digits(settings, size)
    cache, progress = cache or default_cache(), progress or (lambda done, total: None)
    if settings.path.startswith(HUB):
        folder = fetch(settings.path.removeprefix(HUB), cache, progress)
        settings = replace(settings, path=str(folder))
    return open_folder(settings, cache, progress, size)


def task_of(settings: DataSettings) -> Task:
    """Return what a network for the images of `settings` takes, without decoding these.

    The headers of a folder's pictures are read if the settings leave size or channels open.

    Raises:
        InputError: the folder is not a data set, or its pictures are on the hub.

    >>> task_of(DataSettings()).classes
    10
    """
    if settings.path == "digits":
        return _digits(settings).task
    if settings.path.startswith(HUB):
        raise InputError(settings.path, "is on the hub, and was not fetched for this")
    return task_of_folder(settings)


def reopen_data(
    settings: DataSettings, fingerprint: str, cache: Path | None = None
) -> DataSet | None:
    """Map the decoded images with this `fingerprint`, without reading the original files.

    Returns None if this machine's cache does not have them; `open_data` must then be called, and
    the fingerprints compared.
    """
    if settings.path == "digits":
        return None
    loaded = image_cache.load((cache or default_cache()) / fingerprint)
    return replace(loaded[0], chain=settings.chain) if loaded else None


def default_cache() -> Path:
    """Return the folder of decoded images: `$GENSYNTH_CACHE`, or in the user's cache folder."""
    named = os.environ.get("GENSYNTH_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gensynth"


def _digits(settings: DataSettings, size: tuple[int, int] | None = None) -> DataSet:
    """Return scikit-learn's 1,797 handwritten digits of 8x8 pixels, split and scaled to 0..255."""
    images, labels = digits()
    if settings.image_size not in (None, 8):
        problem = f"must be 8 for digits, got {settings.image_size}"
        raise InputError("data.image_size", problem)
    if settings.channels == 3:
        raise InputError("data.channels", "must be 1 for digits, which are grey; got 3")
    if size is not None and size != (8, 8):
        how = decoding(settings.chain, 1, *size)
        images = np.stack([pixels_of(png(image), how).transpose(2, 0, 1) for image in images])
    names = tuple(str(digit) for digit in range(10))
    parts = digits_dealt(settings, labels)
    splits = {name: Split(images[parts[name]], labels[parts[name]]) for name in SPLITS}
    mean, std = statistics(splits["train"].images)
    task = Task(1, images.shape[2], images.shape[3], classes=10)
    fingerprint = _fingerprint(names, splits)
    return DataSet(task, names, splits, mean, std, fingerprint, chain=settings.chain)


def digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return scikit-learn's digits, uint8 (N, 1, 8, 8), and their labels."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
    return images, bunch.target.astype(np.int64)


def digits_dealt(settings: DataSettings, labels: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Return which digits each split has."""
    shares = {"validation": settings.validation_share, "test": settings.test_share}
    return stratified(labels, [str(digit) for digit in range(10)], shares, settings.split_seed)


def _fingerprint(names: tuple[str, ...], splits: Mapping[str, Split]) -> str:
    sha = hashlib.sha256(dumps(names).encode())
    for name in SPLITS:
        sha.update(f"{name} {splits[name].images.shape}".encode())
        sha.update(splits[name].images.tobytes())
        sha.update(splits[name].labels.tobytes())
    return sha.hexdigest()[:16]
