"""What stands in an image folder: classes, splits, and the files in them."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gensynth.data.split import SPLITS
from gensynth.errors import InputError, nearest

SPLIT_FOLDERS = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
SUFFIXES = frozenset(
    (
        *(".png", ".jpg", ".jpeg", ".jpe", ".bmp", ".gif", ".webp", ".tif", ".tiff"),
        *(".ppm", ".pgm", ".pbm", ".pnm", ".tga"),
    )
)


@dataclass(frozen=True)
class Picture:
    """A file that should be an image."""

    path: str
    name: str
    """Path below the folder, with `/` on every system."""
    label: int
    split: str
    stamp: tuple[int, int]
    """Size in bytes and time of change in nanoseconds."""


@dataclass(frozen=True)
class Listing:
    """The classes of a folder and its pictures, sorted by split, class and name."""

    class_names: tuple[str, ...]
    pictures: tuple[Picture, ...]


def scan(root: Path) -> Listing:
    """List `root/<class>/...` or `root/{train,val,test}/<class>/...`; without splits all is train.

    Files that are no images by their suffix are passed over, and so is what begins with a dot.

    Raises:
        InputError: the folder is not of either form, or a class is empty.
    """
    if not root.is_dir():
        raise InputError(str(root), "no such folder; expected `digits` or a folder of images")
    folders = _split_folders(root)
    class_names = tuple(_subfolders(folders["train"]))
    if len(class_names) < 2:
        found = f"only {class_names[0]!r}" if class_names else "none"
        raise InputError(
            str(folders["train"]), f"expected two or more class folders, found {found}"
        )
    pictures: list[Picture] = []
    try:
        for split in SPLITS:
            if split in folders:
                pictures += _pictures(root, folders[split], split, class_names)
    except OSError as error:
        raise InputError(str(error.filename), f"cannot be read ({error.strerror})") from None
    return Listing(class_names, tuple(pictures))


def _split_folders(root: Path) -> dict[str, Path]:
    """Find the folder of each split; a folder of classes is all `train`."""
    inside = _subfolders(root)
    if not _is_split(root, inside):
        return {"train": root}
    folders: dict[str, Path] = {}
    for name in inside:
        split = SPLIT_FOLDERS.get(name)
        if split is None:
            hint = nearest(name, SPLIT_FOLDERS)
            raise InputError(str(root / name), f"stands beside splits, but is none{hint}")
        if split in folders:
            raise InputError(str(root / name), f"is a second {split} split")
        folders[split] = root / name
    if "train" not in folders:
        raise InputError(str(root), f"has {', '.join(inside)}, but no train split")
    return folders


def _is_split(root: Path, inside: Sequence[str]) -> bool:
    """Tell splits from classes: a split holds class folders and no images of its own."""
    named = [name for name in inside if name in SPLIT_FOLDERS]
    return bool(named) and all(_subfolders(root / name) for name in named)


def _subfolders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
    except OSError as error:
        raise InputError(str(folder), f"cannot be read ({error.strerror})") from None


def _pictures(
    root: Path, folder: Path, split: str, class_names: Sequence[str]
) -> Iterator[Picture]:
    present = _subfolders(folder)
    for name in present:
        if name not in class_names:
            hint = nearest(name, class_names)
            raise InputError(str(folder / name), f"is no class of the train split{hint}")
    for label, name in enumerate(class_names):
        files = sorted(_files(folder / name), key=lambda file: file.path) if name in present else []
        if not files:
            raise InputError(str(folder / name), "this class has no images")
        for file in files:
            stat = file.stat()
            below = file.path[len(str(root)) :].replace(os.sep, "/").lstrip("/")
            yield Picture(file.path, below, label, split, (stat.st_size, stat.st_mtime_ns))


def _files(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _files(entry.path)
            elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:
                yield entry
