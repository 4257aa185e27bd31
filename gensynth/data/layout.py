"""The layout of an image folder: its splits, its classes, and the files in them."""

import os
import stat
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gensynth.data.split import SPLITS
from gensynth.errors import InputError, nearest, nearest_path

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
NAMED = 5
"""Missing classes that a message names."""
ODD = ("@", "#", "$", "~")
"""How systems begin the names of their own folders: one without images is no class."""
JUNK = frozenset(
    (
        *("__macosx", "@eadir", "@tmp", "#recycle", "#snapshot", "@recycle", "@sharebin"),
        *("$recycle.bin", "system volume information", "lost+found", "found.000", "__pycache__"),
        *("@recently-snapshot", "thumbs.db", "desktop.ini", "~snapshot", "lost.dir"),
        *("temporary items", "network trash folder", "thevolumesettingsfolder"),
    )
)
"""Folders that archives, file systems and network storage leave behind, in lower case."""


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
    nested: str = ""
    """A sentence about folders inside the class folders; empty if there are none."""


def scan(root: Path, class_level: int = 1, to_train: bool = True) -> Listing:
    """List `root/<class>/...` or `root/{train,val,test}/<class>/...`.

    Without folders for splits, all pictures belong to `train`. Files without an image's suffix,
    names that begin with a dot, and folders of `JUNK` are ignored.

    Args:
        root: the folder.
        class_level: 1 = the outermost folders are the classes, 2 = the folders in these, and so
            on; 0 = the folders that hold the pictures. Inner classes are called `outer/inner`.
        to_train: False if a trained network is only measured: then splits may be missing or lack
            classes, and a single class will do.

    Raises:
        InputError: the folder has neither layout, or a class has no images.
    """
    if not root.is_dir():
        near = nearest_path(root) or "; expected `digits` or a folder of images"
        raise InputError(str(root), f"no such folder{near}")
    folders = _split_folders(root)
    _require_folders(root, folders, to_train)
    try:
        found = {split: _Found.of(folder, class_level) for split, folder in folders.items()}
    except OSError as error:
        raise InputError(str(error.filename), f"cannot be read ({error.strerror})") from None
    if not to_train:
        return _measured(root, folders, found, class_level)
    shape = nested(found["train"].depths, class_level)
    class_names = tuple(sorted(found["train"].classes))
    if len(class_names) < 2:
        only = f"only {class_names[0]!r}" if class_names else "none"
        problem = f"expected two or more class folders, found {only}"
        raise InputError(str(folders["train"]), _joined(problem, shape))
    pictures: list[Picture] = []
    for split in SPLITS:
        if split in folders:
            _require_classes(folders[split], found[split].classes, class_names, shape)
            pictures += _pictures(root, found[split].classes, split, class_names)
    return Listing(class_names, tuple(pictures), shape)


def _measured(
    root: Path, folders: Mapping[str, Path], found: "Mapping[str, _Found]", class_level: int
) -> Listing:
    """List what a trained network can be measured on."""
    depths = {name: deep for each in found.values() for name, deep in each.depths.items()}
    names = sorted({n for each in found.values() for n, files in each.classes.items() if files})
    if not names:
        raise InputError(str(root), "expected class folders with images, found none")
    pictures: list[Picture] = []
    for split in filter(folders.__contains__, SPLITS):
        known = {name: found[split].classes.get(name, ()) for name in names}
        pictures += _pictures(root, known, split, names)
    return Listing(tuple(names), tuple(pictures), nested(depths, class_level))


@dataclass(frozen=True)
class _Found:
    """What a split's folder holds."""

    classes: Mapping[str, Sequence[os.DirEntry[str]]]
    """The image files of each class."""
    depths: Mapping[str, int]
    """How many folders deep each folder is that holds images; a class folder is at 1."""

    @classmethod
    def of(cls, folder: Path, level: int) -> "_Found":
        classes: dict[str, list[os.DirEntry[str]]] = {}
        depths: dict[str, int] = {}
        for top in _subfolders(folder):
            if level == 1 and not top.startswith(ODD):
                classes[top] = []
            for file in _files(folder / top):
                inside = os.path.dirname(file.path)[len(str(folder)) :].strip(os.sep)
                parts = inside.split(os.sep)
                depths[inside] = len(parts)
                if len(parts) < level:
                    problem = f"lies outside the class folders of level {level}; move it into one"
                    raise InputError(file.path, problem)
                classes.setdefault("/".join(parts[: level or None]), []).append(file)
        return cls({name: sorted(f, key=lambda e: e.path) for name, f in classes.items()}, depths)


def nested(depths: Mapping[str, int], level: int) -> str:
    """Return a sentence about folders inside the class folders, with the way to other classes.

    >>> nested({"fruit/apple": 2, "fruit/pear": 2, "milk": 1}, 1)[:69]
    'the class folders hold folders: images lie 1 to 2 folders deep, in 3 '
    """
    deepest = max(depths.values(), default=0)
    if level != 1 or deepest < 2:
        return ""
    least, outermost = min(depths.values()), len({d.partition(os.sep)[0] for d in depths})
    deep = f"{deepest}" if least == deepest else f"{least} to {deepest}"
    return (
        f"the class folders hold folders: images lie {deep} folders deep, in {len(depths)} "
        f"folders; the {outermost} outermost are the classes; class_level (in [data], or "
        "--class-level) chooses others: 0 = the folders that hold the images, 2 = those of the "
        "second level"
    )


def _joined(problem: str, shape: str) -> str:
    return f"{problem}; {shape}" if shape else problem


def _require_classes(
    folder: Path,
    found: Mapping[str, Sequence[os.DirEntry[str]]],
    class_names: Sequence[str],
    shape: str,
) -> None:
    """Refuse a split that has other classes than train, or a class without images."""
    for name in sorted(found):
        if name not in class_names:
            problem = f"the train split has no such class{nearest(name, class_names)}"
            raise InputError(str(folder / name), _joined(problem, shape))
        if not found[name]:
            problem = "the class has no images; add some or remove it"
            raise InputError(str(folder / name), _joined(problem, shape))
    missing = [name for name in class_names if name not in found]
    if missing:
        some = ", ".join(map(repr, missing[:NAMED]))
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        problem = f"has no folder for {some}{more}, which train has; add images of each class"
        raise InputError(str(folder), _joined(problem, shape))


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
    return folders


def _is_split(root: Path, inside: Sequence[str]) -> bool:
    """Return whether the folders are splits: one is named like a split and has subfolders."""
    named = [name for name in inside if name.lower() in SPLIT_FOLDERS]
    return any(_subfolders(root / name) for name in named)


def _require_folders(root: Path, folders: Mapping[str, Path], to_train: bool) -> None:
    """Refuse a folder without a split to train on, and classes with impossible names."""
    if to_train and "train" not in folders:
        raise InputError(str(root), f"expected a train split, found only {', '.join(folders)}")
    for folder in folders.values() if not to_train else (folders["train"],):
        for name in _subfolders(folder):
            _require_class(folder / name)


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
            return sorted(e.name for e in entries if _is_folder(e) and not is_junk(e.name))
    except OSError as error:
        raise InputError(str(folder), f"cannot be read ({error.strerror})") from None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A link to itself.
        return False


def is_junk(name: str) -> bool:
    """Return whether a name is hidden, or that of what systems leave behind."""
    return name.startswith(".") or name.lower() in JUNK


def _pictures(
    root: Path,
    classes: Mapping[str, Sequence[os.DirEntry[str]]],
    split: str,
    class_names: Sequence[str],
) -> Iterator[Picture]:
    for label, name in enumerate(class_names):
        for file in classes[name]:
            below = file.path[len(str(root)) :].replace(os.sep, "/").lstrip("/")
            yield Picture(file.path, below, label, split, _stamp(file))


def _stamp(file: os.DirEntry[str]) -> tuple[int, int, int]:
    """Return size and times of a file; zeros for what cannot be read: a link to nothing, a pipe."""
    try:
        found = file.stat()
    except OSError:
        return (0, 0, 0)
    if not stat.S_ISREG(found.st_mode):
        return (0, 0, 0)
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _files(folder: Path | str, above: Sequence[str] = ()) -> Iterator[os.DirEntry[str]]:
    """Yield the images of a folder and its subfolders; `above` are the folders around it."""
    here = os.path.realpath(folder)
    if here in above:
        raise InputError(str(folder), "is a link to a folder that contains it; remove the link")
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_junk(entry.name):
                continue
            if _is_folder(entry):
                yield from _files(entry.path, (*above, here))
            elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:
                yield entry
