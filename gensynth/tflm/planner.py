"""Where TensorFlow Lite Micro puts the tensors of a program: its greedy memory planner.

The rule is that of TFLM's `greedy_memory_planner.cc`: buffers are placed in the order of their
sizes, the largest first and of equal ones the last, each in the first gap between those that are
alive with it.
"""

from bisect import insort
from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from gensynth.tflm.program import Precision, Program

ALIGNMENT = 16
"""Buffers are multiples of this many bytes."""


class Buffer(NamedTuple):
    """Memory that is needed from one operator to another, both included."""

    size: int
    """Bytes."""
    first: int
    last: int


def aligned(size: int) -> int:
    """Return the bytes that a buffer of `size` bytes takes."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def offsets(buffers: Sequence[Buffer]) -> list[int]:
    """Return the offset in bytes of each buffer."""
    found = [0] * len(buffers)
    placed: list[tuple[int, int, int, int]] = []  # (offset, end, first, last), by offset
    for i in sorted(range(len(buffers)), key=lambda i: (-buffers[i].size, -i)):
        size, first, last = buffers[i]
        offset = 0
        for start, end, since, until in placed:
            if since <= last and until >= first:
                if start - offset >= size:
                    break
                offset = max(offset, end)
        found[i] = offset
        insort(placed, (offset, offset + size, first, last), key=itemgetter(0))
    return found


def head_bytes(program: Program, precision: Precision) -> int:
    """Return the bytes for activations: the head of the arena."""
    buffers = [*_tensors(program, precision), *_scratch(program)]
    ends = (start + b.size for start, b in zip(offsets(buffers), buffers, strict=True))
    return max(ends, default=0)


def _tensors(program: Program, precision: Precision) -> list[Buffer]:
    """Return the lifetime of each tensor; operators count from 1, the image is there before."""
    first = [0] * len(program.tensors)
    last = [0] * len(program.tensors)
    for step, operator in enumerate(program.operators, 1):
        first[operator.output] = step
        for tensor in (*operator.inputs, operator.output):
            last[tensor] = step
    width = 1 if precision == "int8" else 4
    return [
        Buffer(aligned(width * numbers), *lifetime)
        for numbers, *lifetime in zip(program.tensors, first, last, strict=True)
    ]


def _scratch(program: Program) -> list[Buffer]:
    """Return what kernels need while they run: MIRROR_PAD two lists of four integers."""
    mirrors = (i for i, o in enumerate(program.operators, 1) if o.name == "MIRROR_PAD")
    return [Buffer(ALIGNMENT, step, step) for step in mirrors for _ in range(2)]
