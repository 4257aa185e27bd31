"""The layout of an image folder: its splits, its classes, and the files in them."""

import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gensynth.data.split import SPLITS
from gensynth.errors import InputError, nearest

SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
"""The split of each accepted folder name, in lower case."""
SUFFIXES = frozenset(
    (
        *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".bmp", ".gif", ".webp", ".tif"),
        *(".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".avif", ".heic", ".heif"),
    )
)
"""Includes formats that Pillow may not read: such files count as unreadable, not as absent."""


@dataclass(frozen=True)
class Picture:
    """A file that should be an image."""

    path: str
    name: str
    """Path relative to the folder, with `/` on every system."""
    label: int
    split: str
    stamp: tuple[int, int, int]
    """Size in bytes, and the times (nanoseconds) when the content and the entry last changed.

    Archives and copies may set the first time, but not the second.
    """


@dataclass(frozen=True)
class Listing:
    """The classes of a folder, and its pictures sorted by split, class and name."""

    class_names: tuple[str, ...]
    pictures: tuple[Picture, ...]


def scan(root: Path) -> Listing:
    """List `root/<class>/...` or `root/{train,val,test}/<class>/...`.

    Without folders for splits, all pictures belong to `train`. Files without an image's suffix and
    names that begin with a dot are ignored.

    Raises:
        InputError: the folder has neither layout, or a class has no images.
    """
    if not root.is_dir():
        raise InputError(str(root), "no such folder; expected `digits` or a folder of images")
    folders = _split_folders(root)
    class_names = tuple(_subfolders(folders["train"]))
    for name in class_names:
        _require_class(folders["train"] / name)
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
    """Return the folder of each split; `root` itself is `train` if it contains classes."""
    inside = _subfolders(root)
    if not _is_split(root, inside):
        return {"train": root}
    folders: dict[str, Path] = {}
    for name in inside:
        split = SPLIT_FOLDERS.get(name.lower())
        if split is None:
            hint = nearest(name, SPLIT_FOLDERS)
            raise InputError(str(root / name), f"is next to split folders but is not one{hint}")
        if not _subfolders(root / name):
            raise InputError(str(root / name), "expected the class folders of train, found none")
        if split in folders:
            problem = f"is a second {split} split besides {folders[split].name}; keep one of them"
            raise InputError(str(root / name), problem)
        folders[split] = root / name
    if "train" not in folders:
        raise InputError(str(root), f"expected a train split, found only {', '.join(inside)}")
    return folders


def _is_split(root: Path, inside: Sequence[str]) -> bool:
    """Return whether the folders are splits: one is named like a split and has subfolders."""
    named = [name for name in inside if name.lower() in SPLIT_FOLDERS]
    return any(_subfolders(root / name) for name in named)


def _require_class(folder: Path) -> None:
    """Refuse unprintable names, and splits inside a class instead of around it."""
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in folder.name):
        place = f"{folder.parent}/{folder.name.encode(errors='surrogateescape')!r}"
        raise InputError(place, "the name of a class must be printable; rename the folder")
    splits = [name for name in _subfolders(folder) if name.lower() in SPLIT_FOLDERS]
    if len({SPLIT_FOLDERS[name.lower()] for name in splits}) > 1:
        problem = f"contains {', '.join(splits)}; expected {{train,val,test}}/<class>/ instead"
        raise InputError(str(folder), problem)


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
            raise InputError(str(folder / name), f"the train split has no such class{hint}")
    for label, name in enumerate(class_names):
        files = sorted(_files(folder / name), key=lambda file: file.path) if name in present else []
        if not files:
            raise InputError(str(folder / name), "the class has no images; add some or remove it")
        for file in files:
            found = file.stat()
            if not stat.S_ISREG(found.st_mode):
                raise InputError(file.path, "is named like an image but is not a file; remove it")
            below = file.path[len(str(root)) :].replace(os.sep, "/").lstrip("/")
            stamp = (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            yield Picture(file.path, below, label, split, stamp)


def _files(folder: Path | str, above: Sequence[str] = ()) -> Iterator[os.DirEntry[str]]:
    """Yield the images of a folder and its subfolders; `above` are the folders around it."""
    here = os.path.realpath(folder)
    if here in above:
        raise InputError(str(folder), "is a link to a folder that contains it; remove the link")
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _files(entry.path, (*above, here))
            elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:
                yield entry
