"""Static costs of a network at batch 1, read off its graph."""

from dataclasses import dataclass
from math import prod

from gensynth.graph import Graph, Layer

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
    """Add up the costs of `graph`."""
    params = sum(layer.parameters for layer in graph)
    macs = sum(layer.macs for layer in graph if layer.kind != "matmul")
    return Profile(params, macs, BYTES * params, peak_activation_bytes(graph), _uncounted(graph))


def peak_activation_bytes(graph: Graph) -> int:
    """Give the largest sum, in bytes, of the tensors that live at one step."""
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
    freed = [0] * (len(layers) + 1)
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
