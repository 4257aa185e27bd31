"""The fingerprint of a graph: one name for all graphs that compute the same function family."""

import zlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from gensynth.genome import digest

if TYPE_CHECKING:
    from gensynth.graph import Layer

_COMMUTATIVE = frozenset({"add", "mul", "maximum", "minimum"})
_COPIES = frozenset({"clone", "view", "expand", "slice", "output"})
"""Moves that change nothing where they keep the shape."""
_WORD = (1 << 64) - 1
_PRIME = 0x9E3779B97F4A7C15

Inputs = list[list[int]]
"""The rows that each row reads."""


def fingerprint(layers: "Sequence[Layer]") -> str:
    """Name the structure that reaches the output in 12 hexadecimal digits.

    Rows that change nothing are left out and the inputs of sums and products stand in canonical
    order. Module names and the order in which independent rows were executed play no part.
    """
    inputs, output = _without_identities(layers)
    texts, marks = zip(
        *(_text(layer[:2] + layer[3:4] + layer[5:]) for layer in layers), strict=True
    )
    _sort_commutative(layers, inputs, marks, output)
    order = _depth_first(inputs, output)
    number = {row: place for place, row in enumerate(order)}
    return digest("\n".join(f"{texts[i]}{[number[j] for j in inputs[i]]}" for i in order))


@lru_cache(maxsize=1 << 16)
def _text(columns: tuple[Any, ...]) -> tuple[str, int]:
    """Write everything of a row but its name and inputs; and a number that stands for that."""
    text = repr(columns)
    return text, zlib.crc32(text.encode())


def _without_identities(layers: "Sequence[Layer]") -> tuple[Inputs, int]:
    """Give the inputs of every row, and the output row, past rows that change nothing."""
    same = list(range(len(layers)))
    inputs = []
    for i, layer in enumerate(layers):
        read = [same[j] for j in layer.inputs]
        inputs.append(read)
        if layer.kind in ("move", "pool") and _changes_nothing(layer, layers):
            same[i] = read[0]
    return inputs, same[-1]


def _changes_nothing(layer: "Layer", layers: "Sequence[Layer]") -> bool:
    if layer.kind == "pool":
        return layer.op != "blur" and layer.kernel == layer.stride == (1, 1)
    if layer.op not in _COPIES or len(layer.inputs) != 1 or layer.route != ():
        return False
    return layer.shape == layers[layer.inputs[0]].shape


def _is_commutative(layer: "Layer") -> bool:
    return layer.op in _COMMUTATIVE and len(layer.inputs) > 1 and not layer.detail


def _sort_commutative(
    layers: "Sequence[Layer]", inputs: Inputs, marks: Sequence[int], output: int
) -> None:
    """Order the inputs of sums and products by what feeds them, then by what else they feed."""
    up: list[int] = []
    joins = []
    for layer, read, mark in zip(layers, inputs, marks, strict=True):
        if _is_commutative(layer):
            joins.append(read)
            mark += sum(up[j] * _PRIME for j in read)
        else:
            for j in read:
                mark = (mark * _PRIME + up[j] + 1) & _WORD
        up.append(mark & _WORD)
    for read in joins:
        read.sort(key=up.__getitem__)
    if any(up[i] == up[j] and i != j for read in joins for i, j in pairwise(read)):
        down = _readers(layers, inputs, up, output)
        for read in joins:
            read.sort(key=lambda row: (up[row], down[row]))


def _readers(
    layers: "Sequence[Layer]", inputs: Inputs, up: Sequence[int], output: int
) -> list[int]:
    """Give each row a number that stands for all that reads it and reaches the output."""
    down = [0] * len(inputs)
    live = {output}
    for i in range(output, -1, -1):
        if i in live:
            live.update(inputs[i])
            for place, j in enumerate(inputs[i]):
                here = up[i] + 3 * down[i] + (0 if _is_commutative(layers[i]) else place + 1)
                down[j] = (down[j] + here * here * _PRIME) & _WORD
    return down


def _depth_first(inputs: Inputs, output: int) -> list[int]:
    """List what feeds `output`, every row after its inputs, in an order that the edges fix."""
    order: list[int] = []
    seen = [False] * len(inputs)
    stack = [output]
    while stack:
        row = stack.pop()
        if row < 0:
            order.append(~row)
        elif not seen[row]:
            seen[row] = True
            stack.append(~row)
            stack.extend(inputs[row][::-1])
    return order
