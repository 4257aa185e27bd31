"""Where a network reduces the size of its maps, and whether a low-pass filter comes before."""

from gensynth.graph.graph import Graph, Layer

LOW_PASS = 1 / 3
"""Largest response at the Nyquist frequency, relative to that at zero, of a low-pass filter.

It is that of the 3x3 mean; Rect-2, Tri-3 and Bin-5 (Zhang 2019, arXiv 1904.11486) have 0.
"""


def reductions(graph: Graph) -> list[int]:
    """List the rows that subsample their maps, after the network's first convolution.

    Convolutions, pools, slices and resizes count; the mean or sum over all positions is none,
    and a strided slice of a strided slice is one reduction with it.
    """
    first = next((i for i, layer in enumerate(graph) if layer.kind == "conv"), len(graph))
    return [i for i in range(first + 1, len(graph)) if _reduces(graph, graph.layers[i])]


def sees_low_pass(graph: Graph, row: int) -> bool:
    """Say whether what row `row` subsamples was low-pass filtered.

    Either the row is itself such a filter, at least as wide as its stride, or it is linear and
    follows one at stride 1 directly; what only moves numbers may stand between. A maximum brings
    high frequencies back, so a filter before it does not help.
    """
    layer = graph.layers[row]
    if layer.op.endswith("_aa"):
        return True
    if _is_low_pass(layer):
        return all(extent >= step for extent, step in zip(layer.kernel, layer.stride, strict=True))
    if layer.op == "max" or not layer.inputs:
        return False
    before = graph.layers[layer.inputs[0]]
    while before.kind == "move" and before.route == () and before.inputs:
        before = graph.layers[before.inputs[0]]
    return _is_low_pass(before) and before.stride == (1, 1)


def _is_low_pass(layer: Layer) -> bool:
    return layer.kind == "pool" and layer.nyquist is not None and layer.nyquist <= LOW_PASS


def _reduces(graph: Graph, layer: Layer) -> bool:
    if len(layer.shape) != 3 or not layer.inputs:
        return False
    before = graph.layers[layer.inputs[0]]
    if layer.kind == "resize":
        return layer.shape[1] < before.shape[1]
    if layer.kind == "move":
        return max(layer.stride) > 1 and max(before.stride) == 1
    if layer.op.startswith("conv_transpose"):
        return False
    return layer.kind in ("conv", "pool") and max(layer.stride) > 1
