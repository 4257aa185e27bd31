"""Data sets of the Hugging Face hub, written once as an image folder.

Needs the extra `hub` (the `datasets` library). The NAME in `hub:NAME` is a data set's name, or a
local folder that the library can load, such as a folder of parquet files.
"""

import hashlib
import io
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from gensynth.data.decoding_memory import opened
from gensynth.data.layout import SPLIT_FOLDERS, SUFFIXES
from gensynth.data.sets import HUB, Progress
from gensynth.errors import InputError, install

if TYPE_CHECKING:
    from datasets import Dataset


def fetch(name: str, cache: Path, progress: Progress) -> Path:
    """Return an image folder with the pictures of the data set `name`, byte for byte.

    The first call downloads and writes it. Later calls never contact the hub, so a campaign can
    continue offline and its data cannot change.

    Raises:
        InputError: the data set does not exist, or does not consist of labelled images.
    """
    folder = cache / "hub" / hashlib.sha256(name.encode()).hexdigest()[:16]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not folder.exists():
                _write(_load(name), folder, name, progress)
    except OSError as error:
        raise InputError(str(folder), f"cannot be written ({error.strerror})") from None
    return folder


def _load(name: str) -> Mapping[str, "Dataset"]:
    try:
        import datasets
    except ImportError:
        problem = f"needs the `datasets` library; run: {install('hub')}"
        raise InputError(f"{HUB}{name}", problem) from None
    try:
        loaded = datasets.load_dataset(name)
    # It may raise its own errors, and those of the network and of file formats.
    except Exception as error:
        problem = f"cannot be loaded ({type(error).__name__}: {error})"
        raise InputError(f"{HUB}{name}", problem) from None
    return {split: part for split, part in loaded.items() if split in SPLIT_FOLDERS}


def _write(splits: Mapping[str, "Dataset"], folder: Path, name: str, progress: Progress) -> None:
    if "train" not in splits:
        found = ", ".join(splits) or "none"
        raise InputError(f"{HUB}{name}", f"expected a train split, found {found}")
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    total, done = sum(len(part) for part in splits.values()), 0
    try:
        for split, part in splits.items():
            for place, data in _pictures(part, name):
                path = partial / split / place / f"{done:08d}{_suffix(data)}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
                done += 1
                progress(done, total)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _pictures(part: "Dataset", name: str) -> Iterator[tuple[str, bytes]]:
    """Yield the class folder and the file content of each picture, without decoding it."""
    import datasets

    images = _column(part, name, datasets.Image)
    labels = _column(part, name, datasets.ClassLabel)
    names = folder_names(part.features[labels].names)
    for row in part.cast_column(images, datasets.Image(decode=False)):
        label: int = row[labels]
        if label >= 0:  # The hub marks images without a label by -1.
            stored: dict[str, Any] = row[images]
            data = stored["bytes"] or Path(stored["path"]).read_bytes()
            yield names[label], data


def folder_names(classes: Sequence[str]) -> list[str]:
    """Return a distinct folder name for each class, which is valid and not hidden.

    >>> folder_names(["cat", "a/b", ".git", "cat"])
    ['cat', 'a_b', '_.git', 'cat_3']
    """
    names: list[str] = []
    for label, name in enumerate(classes):
        plain = re.sub(r"[/\x00-\x1f\x7f-\x9f]", "_", name)
        plain = plain if plain.strip() and not plain.startswith(".") else f"_{plain}"
        names.append(plain if plain not in names else f"{plain}_{label}")
    return names


def _column(part: "Dataset", name: str, kind: type) -> str:
    features: Mapping[str, object] = part.features
    found = [column for column, feature in features.items() if isinstance(feature, kind)]
    if len(found) != 1:
        listed = ", ".join(found) or "none"
        problem = f"expected one column of type {kind.__name__}, found {listed}"
        raise InputError(f"{HUB}{name}", problem)
    return found[0]


def _suffix(data: bytes) -> str:
    """Return the file name suffix of a picture; damaged ones are found when they are decoded."""
    try:
        with opened(io.BytesIO(data)) as image:
            suffix: str = f".{(image.format or 'png').lower()}"
    except Exception:  # A decoder may raise anything on damaged bytes.
        return ".png"
    return suffix if suffix in SUFFIXES else ".png"
