"""Opening data by name: the embedded digits, a folder of images, a data set of a hub."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from gensynth.data.sets import DataSet, DataSettings, Progress, Split, statistics
from gensynth.data.split import SPLITS, stratified
from gensynth.errors import InputError
from gensynth.serialization import dumps
from gensynth.space import Task


def open_data(
    settings: DataSettings, cache: Path | None = None, progress: Progress | None = None
) -> DataSet:
    """Open the data of `settings`; folders are decoded once into `cache` and mapped from there.

    Args:
        settings: which data.
        cache: folder of decoded images; None = `$GENSYNTH_CACHE`, or the user's cache folder.
        progress: told (done, total) while images are decoded.

    Raises:
        InputError: there is no such data, or it cannot be used; the line says what to mend.
    """
    if settings.path == "digits":
        return _digits(settings)
    from gensynth.data.folder import open_folder

    cache, progress = cache or default_cache(), progress or (lambda done, total: None)
    if settings.path.startswith("hub:"):
        from gensynth.data.hub import fetch

        folder = fetch(settings.path.removeprefix("hub:"), cache, progress)
        settings = replace(settings, path=str(folder))
    return open_folder(settings, cache, progress)


def reopen_data(
    settings: DataSettings, fingerprint: str, cache: Path | None = None
) -> DataSet | None:
    """Map what `open_data` decoded before, found by its fingerprint, without a look at the files.

    None where this node's cache has no such data: then they must be opened, and compared.
    """
    if settings.path == "digits":
        return None
    from gensynth.data.cache import load

    loaded = load((cache or default_cache()) / fingerprint)
    return loaded[0] if loaded else None


def default_cache() -> Path:
    """Give the folder of decoded images: `$GENSYNTH_CACHE`, else the user's cache folder."""
    named = os.environ.get("GENSYNTH_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gensynth"


def _digits(settings: DataSettings) -> DataSet:
    """Split scikit-learn's 1,797 handwritten digits of 8x8 pixels (values 0..16)."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
    if settings.image_size not in (None, 8):
        raise InputError("data.image_size", f"digits are 8 pixels wide, not {settings.image_size}")
    if settings.channels == 3:
        raise InputError("data.channels", "digits are grey: expected 1, got 3")
    labels = bunch.target.astype(np.int64)
    shares = {"validation": settings.validation_share, "test": settings.test_share}
    names = tuple(str(digit) for digit in range(10))
    parts = stratified(labels, names, shares, settings.split_seed)
    splits = {name: Split(images[parts[name]], labels[parts[name]]) for name in SPLITS}
    mean, std = statistics(splits["train"].images)
    task = Task(channels=1, height=8, width=8, classes=10)
    return DataSet(task, names, splits, mean, std, _fingerprint(names, splits))


def _fingerprint(names: tuple[str, ...], splits: Mapping[str, Split]) -> str:
    sha = hashlib.sha256(dumps(names).encode())
    for name in SPLITS:
        sha.update(f"{name} {splits[name].images.shape}".encode())
        sha.update(splits[name].images.tobytes())
        sha.update(splits[name].labels.tobytes())
    return sha.hexdigest()[:16]
