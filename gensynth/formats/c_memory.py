"""The memory of generated C code: activations whose lives do not overlap share it.

The generator gives each activation an array of its own on the stack. A microcontroller has less:
the arrays become one static block, planned by first fit, the largest first.
"""

import math
import re
from dataclasses import dataclass

ALIGNMENT = 8
_ARRAY = re.compile(r"^ {4}(?P<kind>\w+) (?P<name>tmp\w+)(?P<shape>(?:\[\d+\])+);$")
_SIZES = {"float": 4, "double": 8, "int8_t": 1, "uint8_t": 1, "int32_t": 4, "int64_t": 8, "bool": 1}
_SIZES |= {"_Bool": 1, "int16_t": 2, "uint16_t": 2, "uint32_t": 4, "uint64_t": 8}


@dataclass(frozen=True)
class Block:
    """One activation: its size, when it lives, and where it lies."""

    size: int
    first: int
    """Line of the function in which it is written."""
    last: int
    """Last line in which it is read."""
    offset: int = 0

    def meets(self, other: "Block") -> bool:
        """Whether both live in the same line."""
        return self.first <= other.last and other.first <= self.last


def planned(blocks: list[Block]) -> list[Block]:
    """Return blocks with offsets so that those that live together do not overlap."""
    placed: dict[int, Block] = {}
    for index in sorted(range(len(blocks)), key=lambda i: -blocks[i].size):
        block, offset = blocks[index], 0
        for other in sorted(placed.values(), key=lambda one: one.offset):
            if block.meets(other) and offset + block.size > other.offset:
                offset = max(offset, other.offset + other.size)
        placed[index] = Block(block.size, block.first, block.last, offset)
    return [placed[index] for index in range(len(blocks))]


def in_one_block(code: str) -> str:
    """Return the code of a network with its activations in one static block.

    Code of another form than the generator's is returned as it is.
    """
    head, start, body = code.rpartition("\nvoid network(")
    lines = body.split("\n")
    arrays = {n: found for n, line in enumerate(lines) if (found := _ARRAY.match(line))}
    if not start or not arrays or any(found["kind"] not in _SIZES for found in arrays.values()):
        return code
    blocks = planned([_block(found, lines, max(arrays)) for found in arrays.values()])
    for (number, found), block in zip(arrays.items(), blocks, strict=True):
        lines[number] = _pointer(found, block.offset)
    size = max(block.offset + block.size for block in blocks)
    comment = "/* All activations; those that are never needed together share memory. */"
    words = f"static _Alignas({ALIGNMENT}) unsigned char activations[{size}];"
    return f"{head}\n{comment}\n{words}\n{start}" + "\n".join(lines)


def _block(found: re.Match[str], lines: list[str], declared: int) -> Block:
    used = re.compile(rf"\b{found['name']}\b")
    where = [n for n, line in enumerate(lines) if n > declared and used.search(line)]
    count = math.prod(int(length) for length in re.findall(r"\d+", found["shape"]))
    size = -(-count * _SIZES[found["kind"]] // ALIGNMENT) * ALIGNMENT
    return Block(size, min(where, default=declared), max(where, default=len(lines)))


def _pointer(found: re.Match[str], offset: int) -> str:
    rest = found["shape"].partition("]")[2]
    kind, name = found["kind"], found["name"]
    target = f"(*{name}){rest}" if rest else f"*{name}"
    return f"    {kind} {target} = (void *)(activations + {offset});"
