"""Convolutions and pools: what the converter writes for windows and their padding."""

import re
from math import prod

from gensynth.graph.graph import Layer
from gensynth.tflm.program import Constant
from gensynth.tflm.rows import Rows
from gensynth.tflm.writer import index, learned

_PADDING = re.compile(r"padding=(\d+)x(\d+)")
_DILATION = re.compile(r"dilation=(\d+)x(\d+)")


def _pair(pattern: re.Pattern[str], detail: str, default: tuple[int, int]) -> tuple[int, int]:
    found = pattern.search(detail)
    return (int(found[1]), int(found[2])) if found else default


def padding(layer: Layer) -> tuple[int, int]:
    """Return the padding of a window on each side, in pixels."""
    usual = ((layer.kernel[0] - 1) // 2, (layer.kernel[1] - 1) // 2)
    return _pair(_PADDING, layer.detail, usual)


def needs_padding(layer: Layer, sizes: tuple[int, ...]) -> bool:
    """Whether the padding is neither none nor that of TFLM, which puts the odd pixel behind."""
    pads = padding(layer)
    if pads == (0, 0):
        return False
    sides = zip(sizes, layer.shape[1:], layer.kernel, layer.stride, pads, strict=True)
    return any(
        (made - 1) * stride + kernel - size != 2 * pad for size, made, kernel, stride, pad in sides
    )


def padded(rows: Rows, tensor: int, layer: Layer, before: Layer) -> int:
    """Write an operator that pads a map by zeros for the window of `layer`."""
    pads = padding(layer)
    channels, height, width = before.shape
    size = channels * (height + 2 * pads[0]) * (width + 2 * pads[1])
    return rows.writer.write("PAD", (tensor,), size, (index(("pads", pads * 2), 8),))


def convolution(rows: Rows, row: int) -> int:
    """Write a convolution with its bias, padded if need be."""
    layer, tensor = rows.layers[row], rows.read(row)
    before = rows.layers[layer.inputs[0]]
    if layer.op not in ("conv2d", "conv_transpose2d") or len(before.shape) != 3:
        rows.writer.unruled.append(rows.label(row))
        return rows.anything(row)
    if layer.op == "conv2d" and needs_padding(layer, before.shape[1:]):
        tensor = padded(rows, tensor, layer, before)
    made, given = layer.shape[0], before.shape[0]
    depthwise = layer.groups == given
    name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    if layer.op == "conv_transpose2d":
        name = "TRANSPOSE_CONV"
    dilation = _pair(_DILATION, layer.detail, (1, 1))
    taps = [(k - 1) // d + 1 for k, d in zip(layer.kernel, dilation, strict=True)]
    constants = learned(given // layer.groups * made * prod(taps), made, (row, "w"), (row, "b"))
    return rows.writer.write(name, (tensor,), prod(layer.shape), constants, (), made)


def pool(rows: Rows, row: int) -> int:
    """Write a maximum, a mean or a fixed filter."""
    layer = rows.layers[row]
    if layer.op == "blur":
        return _blur(rows, row)
    if layer.op not in ("max", "avg") or "dilation" in layer.detail or len(layer.shape) != 3:
        rows.writer.unruled.append(rows.label(row))
        return rows.anything(row)
    if "adaptive" in layer.detail:
        return _adaptive(rows, row)
    return _maximum(rows, row) if layer.op == "max" else _mean(rows, row)


def _blur(rows: Rows, row: int) -> int:
    layer, tensor = rows.layers[row], rows.read(row)
    before = rows.layers[layer.inputs[0]]
    if needs_padding(layer, before.shape[1:]):
        tensor = padded(rows, tensor, layer, before)
    made, taps = layer.shape[0], prod(layer.kernel)
    filters = ("blur", layer.kernel, layer.nyquist, made)
    constants = learned(taps * made, made, filters, ("zeros", made))
    name, size = "DEPTHWISE_CONV_2D", prod(layer.shape)
    return rows.writer.write(name, (tensor,), size, constants, layer.stride, made)


def _form(layer: Layer) -> tuple[object, ...]:
    return (layer.kernel, layer.stride, layer.detail)


def _maximum(rows: Rows, row: int) -> int:
    layer, tensor = rows.layers[row], rows.read(row)
    before = rows.layers[layer.inputs[0]]
    if needs_padding(layer, before.shape[1:]):  # By the smallest number.
        tensor = padded(rows, tensor, layer, before)
    return rows.writer.write("MAX_POOL_2D", (tensor,), prod(layer.shape), (), _form(layer))


def _mean(rows: Rows, row: int) -> int:
    """Write a mean; zeros count, and what hangs over the edge of an odd map does not."""
    layer, tensor = rows.layers[row], rows.read(row)
    before = rows.layers[layer.inputs[0]]
    channels, *sizes = before.shape
    pads = padding(layer)
    reach = [
        (made - 1) * stride + kernel - size
        for made, stride, kernel, size in zip(
            layer.shape[1:], layer.stride, layer.kernel, sizes, strict=True
        )
    ]
    over = any(more > 2 * pad for more, pad in zip(reach, pads, strict=True))
    if over:
        wider = [size + max(more, 0) for size, more in zip(sizes, reach, strict=True)]
        form = index(("pads", (0, reach[0], 0, reach[1])), 8)
        tensor = rows.writer.write("PAD", (tensor,), channels * prod(wider), (form,))
    elif pads != (0, 0):
        tensor = padded(rows, tensor, layer, before)
    made = prod(layer.shape)
    tensor = rows.writer.write("AVERAGE_POOL_2D", (tensor,), made, (), _form(layer))
    if not over:
        return tensor
    share = Constant("values", prod(layer.shape[1:]), ("share", layer.shape[1:]), 1)
    return rows.writer.write("MUL", (tensor,), made, (share,))


def _adaptive(rows: Rows, row: int) -> int:
    """Write a pool over the whole map."""
    layer, tensor = rows.layers[row], rows.read(row)
    if layer.shape[1:] != (1, 1) or layer.op != "avg":
        rows.writer.unruled.append(rows.label(row))
        return rows.anything(row)
    return rows.writer.write("MEAN", (tensor,), layer.shape[0], (index(("last", 3), 2),))
