"""What stands in an image folder: classes, splits, and the files in them."""

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
"""By the name in small letters."""
SUFFIXES = frozenset(
    (
        *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".bmp", ".gif", ".webp", ".tif"),
        *(".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".avif", ".heic", ".heif"),
    )
)
"""Also of formats that Pillow may not read: such files are counted as unreadable, never unseen."""


@dataclass(frozen=True)
class Picture:
    """A file that should be an image."""

    path: str
    name: str
    """Path below the folder, with `/` on every system."""
    label: int
    split: str
    stamp: tuple[int, int, int]
    """Size in bytes, times of change of the content and of the file's entry, in nanoseconds.

    The second time cannot be set: archives and copies may give other content the same first."""


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
    """Find the folder of each split; a folder of classes is all `train`."""
    inside = _subfolders(root)
    if not _is_split(root, inside):
        return {"train": root}
    folders: dict[str, Path] = {}
    for name in inside:
        split = SPLIT_FOLDERS.get(name.lower())
        if split is None:
            hint = nearest(name, SPLIT_FOLDERS)
            raise InputError(str(root / name), f"stands beside splits, but is none{hint}")
        if not _subfolders(root / name):
            raise InputError(str(root / name), "holds no class folders; expected those of train")
        if split in folders:
            raise InputError(str(root / name), f"is a second {split} split")
        folders[split] = root / name
    if "train" not in folders:
        raise InputError(str(root), f"has {', '.join(inside)}, but no train split")
    return folders


def _is_split(root: Path, inside: Sequence[str]) -> bool:
    """Tell splits from classes: of folders named like splits, one holds class folders."""
    named = [name for name in inside if name.lower() in SPLIT_FOLDERS]
    return any(_subfolders(root / name) for name in named)


def _require_class(folder: Path) -> None:
    """Refuse a name that cannot be written everywhere, and splits below their class."""
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in folder.name):
        place = f"{folder.parent}/{folder.name.encode(errors='surrogateescape')!r}"
        raise InputError(place, "a class needs a name of printable letters: rename the folder")
    splits = [name for name in _subfolders(folder) if name.lower() in SPLIT_FOLDERS]
    if len({SPLIT_FOLDERS[name.lower()] for name in splits}) > 1:
        problem = f"holds {', '.join(splits)}; expected {{train,val,test}}/<class>/, one level up"
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
            raise InputError(str(folder / name), f"is no class of the train split{hint}")
    for label, name in enumerate(class_names):
        files = sorted(_files(folder / name), key=lambda file: file.path) if name in present else []
        if not files:
            raise InputError(str(folder / name), "this class has no images: fill or remove it")
        for file in files:
            found = file.stat()
            if not stat.S_ISREG(found.st_mode):
                raise InputError(file.path, "is called an image, but is no file: remove it")
            below = file.path[len(str(root)) :].replace(os.sep, "/").lstrip("/")
            stamp = (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            yield Picture(file.path, below, label, split, stamp)


def _files(folder: Path | str, above: Sequence[str] = ()) -> Iterator[os.DirEntry[str]]:
    """Give the images of a folder and those below it; `above` are the folders it stands in."""
    here = os.path.realpath(folder)
    if here in above:
        raise InputError(str(folder), "is a link to a folder that it stands in: remove it")
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _files(entry.path, (*above, here))
            elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:
                yield entry
