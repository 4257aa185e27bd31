"""The one error for what a user can mend: a place, what is wrong there, and the remedy."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Something the user gave cannot be used; the message is one line that says where and why.

    The command line prints it without a traceback and ends with exit code 2.
    """

    def __init__(self, place: str, problem: str) -> None:
        """Join `place` (a file, a TOML key, an option) and `problem` into one line."""
        self.place = place
        self.problem = " ".join(problem.split())
        message = f"{place}: {self.problem}" if place else self.problem
        # Names in hostile files may hold line breaks, or what a terminal would obey.
        super().__init__(
            "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in message)
        )

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str]]:
        """Travel between processes by both parts: an exception alone would bring its message."""
        return type(self), (self.place, self.problem)


def nearest(word: str, words: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the closest of `words`, else the first of them."""
    known = sorted(words)
    close = get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    return f"; valid: {', '.join(known[:_LISTED])}{more}" if known else ""


_LISTED = 20
"""Words that a message lists; the others are counted."""


def unknown(place: str, kind: str, word: str, words: Iterable[str]) -> InputError:
    """Make the error for a `word` that is no known `kind`, with the nearest valid one."""
    return InputError(place, f"unknown {kind} {word!r}{nearest(word, words)}")
