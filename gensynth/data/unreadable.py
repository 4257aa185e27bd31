"""Pictures that cannot be read: listed in a file, counted, and the first few named."""

from collections.abc import Sequence
from pathlib import Path

from gensynth.data.sets import DataSettings
from gensynth.errors import InputError

NAMED = 5
"""Unreadable pictures that a sentence names."""


def list_of(folder: Path) -> Path:
    """Return the file that lists the unreadable pictures of the decoded data set in `folder`."""
    return folder.with_name(f"{folder.name}.unreadable.txt")


def write_list(listed: Path, unreadable: Sequence[tuple[str, str]]) -> None:
    """Write paths and problems of unreadable pictures, one a line; file names need not be UTF-8."""
    text = "\n".join("\t".join(each) for each in unreadable) + "\n"
    listed.write_text(text, encoding="utf-8", errors="backslashreplace")


def sentence(count: int, total: int, listed: Path, root: Path) -> str:
    """Return what to say about pictures that are left out, with the first few by name."""
    named = first(listed, root)
    words = f"{count} of {total} images cannot be read and are left out"
    return "; ".join(filter(None, (words, named, f"see {listed}")))


def first(listed: Path, root: Path) -> str:
    """Return the first pictures of a list and their problems; empty if the list is lost."""
    try:
        lines = listed.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    parts = [line.partition("\t") for line in lines[:NAMED]]
    found = [(path.removeprefix(f"{root}/"), problem) for path, _, problem in parts]
    return ", ".join(f"{name} ({problem})" for name, problem in found)


def refuse_too_many(count: int, total: int, settings: DataSettings, listed: Path) -> None:
    """Raise `InputError` if more pictures cannot be read than `data.unreadable_share` allows."""
    if count > settings.unreadable_share * total:
        named = first(listed, Path(settings.path))
        raise InputError(
            settings.path,
            f"{count} of {total} images cannot be read, more than the share that may be skipped "
            f"(data.unreadable_share = {settings.unreadable_share:g}){': ' if named else ''}"
            f"{named}; repair or remove those in {listed}",
        )
