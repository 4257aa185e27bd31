"""Static costs of a network at batch 1, read off its graph; and fvcore's count beside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from gensynth.graph.graph import Graph, Layer

if TYPE_CHECKING:
    from torch import nn

BYTES = 4
"""Of one float32 number."""


@dataclass(frozen=True)
class Profile:
    """What a network costs before it is trained; definitions in `profile`."""

    params: int
    """Learnable numbers, batch normalisation and head included."""
    macs: int
    """Multiply-accumulates of convolutions and linear layers, groups respected."""
    weight_bytes: int
    """Bytes of the learnable numbers in float32."""
    peak_activation_bytes: int
    """Largest sum of live tensors over the steps: batch 1, eval, float32, nothing in place."""
    uncounted: tuple[str, ...] = ()
    """What costs something but is in no count, as `op (name)`."""


def profile(graph: Graph) -> Profile:
    """Add up the costs of `graph`.

    MACs are those of every executed convolution and linear layer; a blur that runs as a fixed
    depthwise convolution is one of them, a mean pool is not. The matrix products of two
    activations (attention) stand in their rows but not in this sum: they are listed as uncounted,
    with operators of a kind that is not known and parameters that nothing reads. Element-wise
    operators, normalisation and pooling have no MACs by definition.
    """
    params = sum(layer.parameters for layer in graph)
    macs = sum(layer.macs for layer in graph if layer.kind != "matmul")
    return Profile(params, macs, BYTES * params, peak_activation_bytes(graph), _uncounted(graph))


def peak_activation_bytes(graph: Graph) -> int:
    """Give the largest sum, in bytes, of the tensors that live at one step.

    At a step live its inputs, its output, and whatever a later step reads; the network's input
    is one of them, weights are not. Views live in the memory of what they show. By hand, for
    `x + relu(conv(x))` with 3 -> 3 channels at 8x8 pixels, 192 numbers each: the convolution holds
    x and its output (384), the activation x and both of its ends (576), the sum x, the
    activation's output and its own (576): 576 numbers of 4 bytes are 2,304 bytes.
    """
    layers = graph.layers
    memory = list(range(len(layers)))
    last_use = list(range(len(layers)))
    for i, layer in enumerate(layers):
        if layer.alias:
            memory[i] = memory[layer.inputs[0]]
        for j in layer.inputs:
            last_use[memory[j]] = i
    last_use[memory[-1]] = len(layers) - 1
    return BYTES * _peak(layers, memory, last_use)


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


def _uncounted(graph: Graph) -> tuple[str, ...]:
    rows = [f"{r.op} ({r.name})" for r in graph if r.kind in ("matmul", "other")]
    return (*dict.fromkeys(rows), *(f"unread parameter ({name})" for name in graph.unread))


@dataclass(frozen=True)
class SecondOpinion:
    """What fvcore counts for the same network; it names multiply-accumulates flops."""

    macs: Mapping[str, int]
    """By operator; `conv` and `linear` are ours, it also counts normalisation and some pools."""
    uncounted: Mapping[str, int]
    """Operators that it does not know, and how often they occur."""

    @property
    def total(self) -> int:
        """All that it counts."""
        return sum(self.macs.values())


def second_opinion(module: "nn.Module", input_shape: tuple[int, int, int]) -> SecondOpinion:
    """Ask fvcore about `module` on one image of `input_shape` (C, H, W)."""
    import torch
    from fvcore.nn import FlopCountAnalysis

    training = {part: part.training for part in module.modules()}
    module.eval()
    try:
        analysis = FlopCountAnalysis(module, torch.zeros(1, *input_shape))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        counted = {operator: int(count) for operator, count in analysis.by_operator().items()}
        return SecondOpinion(counted, dict(analysis.unsupported_ops()))
    finally:
        for part, flag in training.items():
            part.training = flag
