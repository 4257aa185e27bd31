"""The pictures that a user names: files, folders and patterns."""

from collections.abc import Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path

from gensynth.data.layout import SUFFIXES, is_junk
from gensynth.errors import InputError


def pictures_of(given: Iterable[str | Path]) -> list[str]:
    """Return the files that paths stand for, each once, in the order of the paths.

    A folder stands for all pictures in it and its subfolders, a pattern (`*.jpg`) for the files
    that match. A file that does not exist stays, so that it can be reported like an unreadable one.

    Raises:
        InputError: a folder or a pattern stands for no picture.
    """
    found: dict[str, None] = {}
    for word in map(str, given):
        here = list(_pictures_of(word))
        if not here:
            raise InputError(
                word, "contains no pictures" if Path(word).is_dir() else "matches none"
            )
        found |= dict.fromkeys(here)
    return list(found)


def _pictures_of(word: str) -> Iterator[str]:
    path = Path(word)
    if path.is_dir():
        yield from map(str, sorted(file for file in path.rglob("*") if _is_picture(file, path)))
    elif not path.exists() and has_magic(word):
        yield from sorted(glob(word, recursive=True))
    else:
        yield word


def _is_picture(file: Path, root: Path) -> bool:
    parts = file.relative_to(root).parts
    return not any(map(is_junk, parts)) and file.suffix.lower() in SUFFIXES
