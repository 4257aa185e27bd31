"""The layers that ncnn runs for a network, predicted from its graph.

Normalisation is folded into the convolution before it, and so are the activations that ncnn fuses;
views cost nothing. Any other kind of layer is `other`.
"""

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

from gensynth.graph.graph import Graph, Layer

FUSED = {"relu", "relu6", "hardtanh", "clamp", "sigmoid", "leaky_relu", "mish"}
"""Activations that ncnn fuses into convolutions and linear layers."""
ACTIVATIONS = {
    "silu": "Swish",
    "hardswish": "HardSwish",
    "hardsigmoid": "HardSigmoid",
    "sigmoid": "Sigmoid",
    "relu": "ReLU",
}
MOVES = {"cat": "Concat", "channel_shuffle": "ShuffleChannel"}
SPLITS = ("split", "split_with_sizes", "chunk", "narrow", "slice", "unbind")


class NcnnLayer(NamedTuple):
    """One layer as ncnn runs it."""

    kind: str
    """Its name in ncnn; a convolution may also be `depthwise` or `grouped`."""
    inputs: int
    """Channels."""
    outputs: int
    pixels_in: int
    pixels: int
    """Of the output."""
    kernel: int = 1
    """Number of positions in the window."""
    stride: int = 1
    groups: int = 1


def ncnn_layers(graph: Graph) -> Iterator[NcnnLayer]:
    """Yield the layers of a network, in the order of execution."""
    layers = graph.layers
    readers: list[list[int]] = [[] for _ in layers]
    for i, layer in enumerate(layers):
        for j in layer.inputs:
            if not _is_later_part(layer):
                readers[j].append(i)
    passed: set[int] = set()
    for i, layer in enumerate(layers):
        if layer.op in SPLITS and not _is_later_part(layer):
            whole = layers[layer.inputs[0]].shape
            yield NcnnLayer("Slice", whole[0], whole[0], prod(whole[1:]), prod(whole[1:]))
        elif i not in passed and layer.kind != "input" and not layer.alias:
            if layer.kind in ("conv", "linear"):
                _pass(layers, readers, i, passed)
            yield _layer(layers, layer)
        if len(readers[i]) > 1:
            yield NcnnLayer("Split", 1, 1, 1, len(readers[i]))


def _is_later_part(layer: Layer) -> bool:
    """Whether ncnn computes it together with another part of the same map."""
    return layer.op in SPLITS and layer.detail.startswith("part=") and layer.detail != "part=0"


def _pass(layers: tuple[Layer, ...], readers: list[list[int]], row: int, passed: set[int]) -> None:
    """Add to `passed` the rows after a convolution or linear layer that are fused into it."""
    row = _only_reader(readers, row)
    joined = row
    if row and layers[row].op == "cat":  # Columns of several kinds share a norm, which is folded.
        joined = _only_reader(readers, row)
    if joined and layers[joined].kind == "norm" and layers[joined].op == "batch_norm":
        passed.add(joined)
        row = _only_reader(readers, joined) if joined == row else 0
    elif joined != row:
        row = 0
    if row and layers[row].kind == "activation" and layers[row].op in FUSED:
        passed.add(row)


def _only_reader(readers: list[list[int]], row: int) -> int:
    return readers[row][0] if len(readers[row]) == 1 else 0


def _layer(layers: tuple[Layer, ...], layer: Layer) -> NcnnLayer:
    source, shape = layers[layer.inputs[0]].shape, layer.shape
    channels, pixels = shape[0], prod(shape[1:])
    given, pixels_in = source[0], prod(source[1:])
    places, stride = layer.kernel[0] * layer.kernel[1], max(layer.stride)
    kind = layer.kind
    if kind == "conv" or layer.op == "blur":
        form = "Convolution"
        if layer.groups > 1:
            form = "depthwise" if layer.groups == given == channels else "grouped"
        return NcnnLayer(form, given, channels, pixels_in, pixels, places, stride, layer.groups)
    if kind == "linear":
        return NcnnLayer("InnerProduct", source[-1], shape[-1], 1, prod(shape[:-1]))
    return NcnnLayer(_kind(layers, layer), given, channels, pixels_in, pixels, places, stride)


def _kind(layers: tuple[Layer, ...], layer: Layer) -> str:
    kind, op = layer.kind, layer.op
    if kind == "activation":
        return ACTIVATIONS.get(op, "BinaryOp broadcast" if not layer.detail else "BinaryOp")
    if kind == "combine":
        alike = all(layers[i].shape == layer.shape for i in layer.inputs)
        return "BinaryOp" if alike else "BinaryOp broadcast"
    if kind == "pool":
        return f"Pooling {op}"
    if kind == "move":
        if "pad" in op:
            return "Padding"
        return MOVES.get(op, "Permute")
    return {
        "norm": "BatchNorm",
        "softmax": "Softmax",
        "reduce": "Reduction",
        "resize": "Interp",
    }.get(kind, "other")
