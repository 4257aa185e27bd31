"""The loops of the C code that is generated for a network, predicted from its graph.

Normalisation is folded into the convolution before it; every other row that computes becomes
one loop over its outputs, or several. Views cost nothing.
"""

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

from gensynth.graph.graph import Graph, Layer

SPLITS = ("split", "split_with_sizes", "chunk")
"""Operators whose parts are copied out of a map."""
PICTURE = "picture"
"""The loop that normalises the pixels."""


class CNode(NamedTuple):
    """One row of a graph as the code computes it."""

    kind: str
    """The operator; a convolution states window, stride and whether it is padded."""
    outputs: int
    """Numbers that it writes."""
    rows: int
    """Rows of pixels that it writes, over all channels."""
    width: int
    """Numbers in a row."""
    inputs: int
    """Numbers that it reads."""
    reach: int = 1
    """Input channels of each output: the loop around a window."""
    taps: int = 1
    """Positions of the window."""
    lines: int = 1
    """Lines of the window."""
    inside: float = 1.0
    """Share of the positions that lie inside the image; the others are skipped one by one."""


def c_nodes(graph: Graph) -> Iterator[tuple[Layer, CNode]]:
    """Yield the rows of a graph that compute, in the order of execution, with their loops."""
    layers = graph.layers
    readers = [0] * len(layers)
    for layer in layers:
        for row in layer.inputs:
            readers[row] += 1
    done: set[tuple[object, ...]] = set()
    for layer in layers:
        again = (layer.op, layer.inputs, layer.kernel, layer.stride, layer.shape, layer.detail)
        if layer.kind in ("pool", "resize") and again in done:
            continue  # Computed once, for all who read it.
        done.add(again)
        if layer.kind == "input":
            size = prod(layer.shape)
            yield layer, CNode(PICTURE, size, size // layer.shape[-1], layer.shape[-1], size)
        elif layer.op in SPLITS:
            if layer.detail in ("", "part=0"):  # The other parts are copied in the same loop.
                yield layer, _node(layers, layer._replace(shape=layers[layer.inputs[0]].shape))
        elif not layer.alias and not _folded(layers, readers, layer):
            yield layer, _node(layers, layer)


def _folded(layers: tuple[Layer, ...], readers: list[int], layer: Layer) -> bool:
    """Whether a normalisation is part of the convolutions before it."""
    if layer.op != "batch_norm":
        return False
    row = layer.inputs[0]
    before = layers[row]
    if before.op == "cat":  # Columns of several kinds share a norm.
        return readers[row] == 1 and all(layers[i].kind == "conv" for i in before.inputs)
    return readers[row] == 1 and before.kind in ("conv", "linear")


def _node(layers: tuple[Layer, ...], layer: Layer) -> CNode:
    source, shape = layers[layer.inputs[0]].shape, layer.shape
    outputs, inputs = prod(shape), prod(source)
    width = shape[-1] if shape else 1
    rows = outputs // width
    if layer.kind in ("linear", "matmul"):
        return CNode(layer.kind, outputs, rows, width, inputs, max(layer.macs // outputs, 1))
    if layer.kind not in ("conv", "pool"):
        return CNode(_kind(layers, layer), outputs, rows, width, inputs)
    reach = source[0] // layer.groups if layer.kind == "conv" else 1
    taps = layer.macs // (outputs * reach) if layer.macs else prod(layer.kernel)
    axes = [
        _inside(size, made, extent, step)
        for size, made, extent, step in zip(
            source[1:], shape[1:], layer.kernel, layer.stride, strict=True
        )
    ]
    name = "conv" if layer.kind == "conv" or layer.op == "blur" else layer.op
    padded = "padded" if min(axes) < 1 else "plain"
    window = "x".join(map(str, layer.kernel))
    kind = f"{name} {window} {max(layer.stride)} {padded}"
    lines = min(layer.kernel[0], taps)
    return CNode(kind, outputs, rows, width, inputs, reach, taps, lines, prod(axes))


def _inside(size: int, made: int, extent: int, step: int) -> float:
    """Return the share of a window's positions, along one axis, that lie inside the image."""
    missing = (made - 1) * step + extent - size
    if missing <= 0:
        return 1.0
    first = -(-missing // 2)
    inside = sum(
        max(min(place * step - first + extent, size) - max(place * step - first, 0), 0)
        for place in range(made)
    )
    return inside / (made * extent)


def _kind(layers: tuple[Layer, ...], layer: Layer) -> str:
    if layer.kind == "combine" or (layer.kind == "activation" and layer.op in ("mul", "add")):
        alike = all(layers[row].shape == layer.shape for row in layer.inputs)
        alike = alike and len(layer.inputs) > 1
        return "combine alike" if alike else "combine broadcast"
    return layer.op if layer.kind in ("activation", "move") else layer.kind
