"""Static costs of a network at batch 1, computed from its graph."""

from collections import Counter
from dataclasses import dataclass
from math import prod
from typing import Literal

from gensynth.graph.graph import Graph, Layer, no_rule_for

BYTES = 4
"""Bytes of one float32 number."""


@dataclass(frozen=True)
class Profile:
    """What a network costs before it is trained; `profile` defines each cost."""

    params: int
    """Stored parameters, batch normalisation and head included."""
    macs: int
    """Multiply-accumulates of convolutions and linear layers, groups respected."""
    weight_bytes: int
    """Bytes of the parameters in their own precision, usually float32."""
    peak_activation_bytes: int
    """Largest memory of live tensors at any step: batch 1, eval mode, float32, nothing in place."""
    uncounted: tuple[str, ...] = ()
    """Operators without a rule, as `op (module)`; if any, `macs` and the peak are lower bounds."""
    matmul_macs: int = 0
    """Multiply-accumulates of products of two activations (attention); not part of `macs`."""
    unread: tuple[str, ...] = ()
    """Parameters that the image does not read. They are stored, so they count."""

    @property
    def not_known(self) -> str:
        """The uncounted operators in a sentence; empty if everything is counted."""
        return no_rule_for(self.uncounted)


def profile(graph: Graph) -> Profile:
    """Compute the costs of `graph`.

    `macs` counts every executed convolution and linear layer, including a blur that runs as a fixed
    depthwise convolution and a learned layer that reads only constants, but not a mean pool.
    Products of two activations (attention) are counted separately. By definition, element-wise
    operators, normalisation and pooling have no MACs. Parameters and their bytes are those that the
    module stores; if the graph was not traced, those of its rows, in float32.
    """
    params = sum(layer.parameters for layer in graph)
    params, size = (params, BYTES * params) if graph.stored is None else graph.stored
    rows = (*graph, *graph.constants)
    macs = sum(layer.macs for layer in rows if layer.kind != "matmul")
    products = sum(layer.macs for layer in rows if layer.kind == "matmul")
    peak = peak_activation_bytes(graph)
    return Profile(params, macs, size, peak, graph.unknown, products, graph.unread)


Execution = Literal["plain", "fused"]
"""How operators are executed: each by itself and nothing in place, or a convolution, its
normalisation and its activation in one."""


def peak_activation_bytes(graph: Graph, execution: Execution = "plain") -> int:
    """Return the largest memory, in bytes, of the tensors that are live at any step.

    Live tensors of a step are its inputs, its output, and whatever a later step reads. The image is
    one of them, weights are not. A view shares the memory of its source. Example by hand:
    `x + relu(conv(x))` with 3 -> 3 channels at 8x8 pixels, 192 numbers per tensor. The convolution
    holds x and its output (384), the activation holds x, its input and its output (576), and the
    sum holds x, the activation's output and its own (576). 576 numbers of 4 bytes are 2,304 bytes.

    If execution is `fused`, a normalisation and an activation write where the convolution (or
    linear layer) before them does, unless something else reads that. In the example the
    convolution and its activation then hold 384, but the sum still 576.
    """
    layers = graph.layers if execution == "plain" else _fused(graph.layers)
    memory = list(range(len(layers)))
    last_use = list(range(len(layers)))
    for i, layer in enumerate(layers):
        if layer.alias:
            memory[i] = memory[layer.inputs[0]]
        for j in layer.inputs:
            last_use[memory[j]] = i
    last_use[memory[-1]] = len(layers) - 1
    return BYTES * _peak(layers, memory, last_use)


def _fused(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """Return the rows, with those that are part of a convolution as views of its output."""
    readers = Counter(j for layer in layers for j in layer.inputs)
    inside = [layer.kind in ("conv", "linear") for layer in layers]
    rows = list(layers)
    for i, layer in enumerate(layers):
        if layer.kind in ("norm", "activation") and len(layer.inputs) == 1:
            (source,) = layer.inputs
            inside[i] = inside[source] and readers[source] == 1
            rows[i] = layer._replace(alias=layer.alias or inside[i])
    return tuple(rows)


def _peak(layers: tuple[Layer, ...], memory: list[int], last_use: list[int]) -> int:
    freed = [0] * len(layers)
    live = peak = 0
    for i, layer in enumerate(layers):
        if memory[i] == i:
            size = prod(layer.shape)
            live += size
            freed[last_use[i]] += size
            peak = max(peak, live)
        live -= freed[i]
    return peak
