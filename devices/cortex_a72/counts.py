"""What the plugin counted of one inference."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from gensynth.errors import InputError


@dataclass(frozen=True)
class Counts:
    """Instructions by class and traffic through the simulated caches; `native/a72.c` says how."""

    instructions: float
    fma: float
    """Multiply-accumulates (and products) of vectors and floating-point numbers."""
    vector: float
    """Other instructions of the vector and floating-point unit."""
    slow: float
    """Divisions and square roots there."""
    load: float
    store: float
    integer: float
    branch: float
    load_units: float
    """Loads in units of 128 bits: an instruction may load four of them."""
    store_units: float
    issue_cycles: float
    """Cycles in which an A72 could issue it all at best."""
    l1_misses: float
    """Lines of 64 bytes that were not in 32 KiB of two ways."""
    l2_misses: float
    """Lines that were not in 1 MiB of 16 ways either: they come from memory."""
    l2_streamed: float
    """Of these, those next to an earlier one: a stream, which is fetched ahead."""
    tlb_misses: float
    """L1 misses in pages of 4 KiB that were not among the last 32."""
    read_bytes: float
    written_bytes: float

    def minus(self, other: "Counts") -> "Counts":
        """Subtract what only the asking costs."""
        return Counts(*(getattr(self, f.name) - getattr(other, f.name) for f in fields(Counts)))


NAMES = tuple(field.name for field in fields(Counts))


def read_counts(path: Path) -> list[Counts]:
    """Read the plugin's file, one line a section; `InputError` where it is not whole."""
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    if not lines or tuple(lines[0].split()) != NAMES:
        raise InputError(str(path), "is no file of the plugin: its columns are others")
    return [_counts(line.split(), path) for line in lines[1:]]


def _counts(words: Sequence[str], path: Path) -> Counts:
    if len(words) != len(NAMES):
        raise InputError(str(path), f"has a line of {len(words)} numbers, not {len(NAMES)}")
    return Counts(*map(float, words))
