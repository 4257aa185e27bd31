"""Static costs of a network at batch 1, read off its graph."""

from dataclasses import dataclass
from math import prod

from gensynth.graph.graph import Graph, Layer, no_rule_for

BYTES = 4
"""Of one float32 number."""


@dataclass(frozen=True)
class Profile:
    """What a network costs before it is trained; definitions in `profile`."""

    params: int
    """Stored parameters, batch normalisation and head included."""
    macs: int
    """Multiply-accumulates of convolutions and linear layers, groups respected."""
    weight_bytes: int
    """Bytes of the parameters in the precision that they have; float32 unless something else."""
    peak_activation_bytes: int
    """Largest sum of live tensors over the steps: batch 1, eval, float32, nothing in place."""
    uncounted: tuple[str, ...] = ()
    """Operators that no rule covers, as `op (module)`: `macs` and the peak are lower bounds."""
    matmul_macs: int = 0
    """Multiply-accumulates of products of two activations (attention), which `macs` excludes."""
    unread: tuple[str, ...] = ()
    """Parameters that the image did not read; they are stored, so they count."""

    @property
    def not_known(self) -> str:
        """The uncounted operators in a sentence; empty if everything is counted."""
        return no_rule_for(self.uncounted)


def profile(graph: Graph) -> Profile:
    """Add up the costs of `graph`.

    MACs are those of every executed convolution and linear layer; a blur that runs as a fixed
    depthwise convolution is one of them, so is a learned layer that reads constants only, a mean
    pool is not. The products of two activations
    (attention) are excluded by definition and stand beside. Element-wise operators, normalisation
    and pooling have no MACs by definition. Parameters and their bytes are those that the module
    stores; a graph that was not traced has those of its rows, in float32.
    """
    params = sum(layer.parameters for layer in graph)
    params, size = (params, BYTES * params) if graph.stored is None else graph.stored
    rows = (*graph, *graph.constants)
    macs = sum(layer.macs for layer in rows if layer.kind != "matmul")
    products = sum(layer.macs for layer in rows if layer.kind == "matmul")
    peak = peak_activation_bytes(graph)
    return Profile(params, macs, size, peak, graph.unknown, products, graph.unread)


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
