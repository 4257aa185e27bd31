"""Operators that only move numbers."""

import re
from collections.abc import Callable, Mapping
from math import prod

from gensynth.tflm.rows import Rows
from gensynth.tflm.writer import index

_NUMBERS = re.compile(r"-?\d+")


def move(rows: Rows, row: int) -> int:
    """Write the operators of a move."""
    layer = rows.layers[row]
    rule = RULES.get(layer.op)
    if rule is not None:
        return rule(rows, row)
    rows.writer.unruled.append(rows.label(row))
    return rows.anything(row)


def _nothing(rows: Rows, row: int) -> int:
    return rows.read(row)


def _part(rows: Rows, row: int) -> int:
    """Write a slice; one of everything is no operator."""
    layer, tensor = rows.layers[row], rows.read(row)
    before = rows.layers[layer.inputs[0]]
    if before.shape == layer.shape:
        return tensor
    axes = len(layer.shape) + 1
    begin = index(("begin", layer.route, layer.detail), axes)
    extent = index(("shape", layer.shape), axes)
    return rows.writer.write("SLICE", (tensor,), prod(layer.shape), (begin, extent))


def _join(rows: Rows, row: int) -> int:
    layer = rows.layers[row]
    if len(layer.inputs) == 1:
        return rows.read(row)
    return rows.writer.write("CONCATENATION", rows.reads(row), prod(layer.shape), (), layer.detail)


def _shuffle(rows: Rows, row: int) -> int:
    """Write a shuffle of channels: to channels first, apart, exchanged, together, and back."""
    layer, tensor = rows.layers[row], rows.read(row)
    size = prod(layer.shape)
    steps = (
        ("TRANSPOSE", index("to channels first", 4)),
        ("RESHAPE", index(("apart", layer.detail, layer.shape), 5)),
        ("TRANSPOSE", index("exchange", 5)),
        ("RESHAPE", index(("shape", layer.shape), 4)),
        ("TRANSPOSE", index("to channels last", 4)),
    )
    for name, constant in steps:
        tensor = rows.writer.write(name, (tensor,), size, (constant,))
    return tensor


def _replicated(rows: Rows, row: int) -> int:
    """Write a padding by the pixels at the edge: a mirror for one pixel, else gathered lines."""
    layer, tensor = rows.layers[row], rows.read(row)
    pads = [int(number) for number in _NUMBERS.findall(layer.detail)]
    before = rows.layers[layer.inputs[0]]
    channels, height, width = layer.shape
    if set(pads) <= {0, 1}:
        form = index(("pads", tuple(pads)), 8)
        return rows.writer.write("MIRROR_PAD", (tensor,), prod(layer.shape), (form,))
    low = channels * before.shape[1] * before.shape[2]
    tall = channels * height * before.shape[2]
    lines = index(("lines", before.shape[1], height), height)
    columns = index(("lines", before.shape[2], width), width)
    steps = (
        ("RESHAPE", low, index(("lines first", before.shape), 4)),
        ("GATHER_ND", tall, lines),
        ("TRANSPOSE", tall, index("columns first", 4)),
        ("GATHER_ND", prod(layer.shape), columns),
        ("TRANSPOSE", prod(layer.shape), index("lines back", 4)),
    )
    for name, size, constant in steps:
        tensor = rows.writer.write(name, (tensor,), size, (constant,))
    return tensor


def _reshaped(rows: Rows, row: int) -> int:
    """Write a change of shape; a map of several pixels is brought to channels first before."""
    layer, tensor = rows.layers[row], rows.read(row)
    before = rows.layers[layer.inputs[0]]
    size = prod(layer.shape)
    if before.shape == layer.shape:
        return tensor
    if len(before.shape) == 3 and prod(before.shape[1:]) > 1 and before.shape[0] > 1:
        order = index("to channels first", 4)
        tensor = rows.writer.write("TRANSPOSE", (tensor,), size, (order,))
    form = index(("shape", layer.shape), len(layer.shape) + 1)
    return rows.writer.write("RESHAPE", (tensor,), size, (form,))


def _padded(rows: Rows, row: int) -> int:
    layer, tensor = rows.layers[row], rows.read(row)
    form = index(("pads", layer.detail), 8)
    return rows.writer.write("PAD", (tensor,), prod(layer.shape), (form,))


def _transposed(rows: Rows, row: int) -> int:
    layer, tensor = rows.layers[row], rows.read(row)
    form = index(("order", layer.detail), len(layer.shape) + 1)
    return rows.writer.write("TRANSPOSE", (tensor,), prod(layer.shape), (form,))


RULES: Mapping[str, Callable[[Rows, int], int]] = {
    **dict.fromkeys(("clone", "contiguous", "to_copy", "expand", "alias"), _nothing),
    **dict.fromkeys(("split", "slice", "select", "narrow", "unbind"), _part),
    "cat": _join,
    "channel_shuffle": _shuffle,
    "replication_pad2d": _replicated,
    "constant_pad_nd": _padded,
    **dict.fromkeys(("view", "unsqueeze", "squeeze"), _reshaped),
    **dict.fromkeys(("permute", "transpose"), _transposed),
}
