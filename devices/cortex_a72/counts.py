"""The counts of one inference, as the QEMU plugin writes them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from gensynth.errors import InputError


@dataclass(frozen=True)
class Counts:
    """Instructions by class, and traffic through simulated caches; `native/a72.c` defines them."""

    instructions: float
    fma: float
    """Multiplications and multiply-accumulates of vectors and floating-point numbers."""
    vector: float
    """Other instructions of the vector and floating-point unit."""
    slow: float
    """Divisions and square roots of vectors and floating-point numbers."""
    load: float
    store: float
    integer: float
    branch: float
    load_units: float
    """Loads in units of 128 bits; one instruction may load up to four."""
    store_units: float
    issue_cycles: float
    """The fewest cycles in which an A72 could issue all instructions."""
    l1_misses: float
    """Misses of a two-way cache of 32 KiB with lines of 64 bytes."""
    l2_misses: float
    """Those that also miss a 16-way cache of 1 MiB, and are read from memory."""
    l2_streamed: float
    """Those L2 misses that follow an adjacent line, which the processor prefetches."""
    tlb_misses: float
    """L1 misses in pages of 4 KiB that are not among the last 32."""
    read_bytes: float
    written_bytes: float

    def minus(self, other: "Counts") -> "Counts":
        """Return these counts without those of `other`."""
        return Counts(*(getattr(self, f.name) - getattr(other, f.name) for f in fields(Counts)))


NAMES = tuple(field.name for field in fields(Counts))


def read_counts(path: Path) -> list[Counts]:
    """Read the file of the plugin, one line per section; `InputError` if it is not complete."""
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    if not lines or tuple(lines[0].split()) != NAMES:
        raise InputError(str(path), "is not a file of the plugin: its columns differ")
    return [_counts(line.split(), path) for line in lines[1:]]


def _counts(words: Sequence[str], path: Path) -> Counts:
    if len(words) != len(NAMES):
        raise InputError(str(path), f"has a line of {len(words)} numbers, not {len(NAMES)}")
    return Counts(*map(float, words))
