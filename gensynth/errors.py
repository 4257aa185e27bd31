"""The error for anything that a user can correct, and hints about the word that was meant."""

import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, requires
from itertools import islice
from pathlib import Path

PLUGIN_FAULTS = (Exception, SystemExit, GeneratorExit)
"""What the code of a plugin may raise without ending the program; Ctrl-C is no fault."""
_MAX_LISTED = 20
"""A message lists at most this many valid words and counts the rest."""
_MOST_COMPARED = 1000
"""Names of a folder that are compared with a mistyped one."""


class InputError(ValueError):
    """Input that cannot be used; the message is one line that says where and why.

    The command line prints the message without a traceback and exits with code 2.

    >>> str(InputError("proxy.epochs", "must be at least 1, got 0"))
    'proxy.epochs: must be at least 1, got 0'
    """

    def __init__(self, place: str, problem: str) -> None:
        """Join `place` (a file, a TOML key, an option) and `problem` into one line."""
        self.place = place
        self.problem = " ".join(problem.split())
        message = f"{place}: {self.problem}" if place else self.problem
        super().__init__(shown(" ".join(message.splitlines())))

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str]]:
        """Pickle both parts; an exception would otherwise carry only its message."""
        return type(self), (self.place, self.problem)


def shown(text: str) -> str:
    r"""Replace the characters of a text from outside that a terminal or an editor would obey.

    Names of files and classes may hold escape sequences and marks that reverse the order of what
    follows. Line breaks and tabs stay.

    >>> shown("a\x1b[31mb")
    'a�[31mb'
    """
    kept = "\n\t\N{NO-BREAK SPACE}"
    return "".join(c if c.isprintable() or c in kept else "\N{REPLACEMENT CHARACTER}" for c in text)


def nearest(word: str, words: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the closest of `words`, or else a list of them.

    >>> nearest("flp", ["crop", "flip"])
    "; did you mean 'flip'?"
    """
    known = sorted(words)
    close = get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    hidden = len(known) - _MAX_LISTED
    more = f" and {hidden} more" if hidden > 0 else ""
    return f"; valid: {', '.join(known[:_MAX_LISTED])}{more}" if known else ""


def nearest_path(path: str | Path) -> str:
    """Return `; did you mean 'x'?` for what exists at nearly this path; empty if nothing does.

    Each part of the path that does not exist is taken for the most similar name in its folder.

    >>> nearest_path("no/such/folder")
    ''
    """
    here, meant = Path(path), Path(Path(path).anchor)
    if here.exists():
        return ""
    for part in here.parts[bool(here.anchor) :]:
        if not (meant / part).exists():
            close = get_close_matches(part, _names_in(meant), n=1, cutoff=0.7)
            if not close:
                return ""
            part = close[0]
        meant /= part
    return f"; did you mean {str(meant)!r}?"


def _names_in(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in islice(entries, _MOST_COMPARED)]
    except OSError:
        return []


def unknown(place: str, kind: str, word: str, words: Iterable[str]) -> InputError:
    """Return the error for a `word` that does not name a `kind`, with the nearest valid word."""
    return InputError(place, f"unknown {kind} {word!r}{nearest(word, words)}")


def install(extra: str) -> str:
    """Return the command that installs what an extra of this package needs.

    It names the packages themselves, so it works wherever this package came from: a clone, a file
    or an index.

    >>> install("heic")
    'pip install "pillow-heif>=0.20"'
    """
    try:
        listed = requires("gensynth") or []
    except PackageNotFoundError:  # Run from its source without an installation.
        listed = []
    marked = re.compile(rf"""(.+?)\s*;\s*extra\s*==\s*['"]{re.escape(extra)}['"]""")
    found = [match[1] for requirement in listed if (match := marked.fullmatch(requirement))]
    return "pip install " + (" ".join(f'"{each}"' for each in found) or f'-e ".[{extra}]"')
