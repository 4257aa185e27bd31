"""Where a network reduces the size of its maps, and whether a low-pass filter comes before.

A traced graph contains its reductions. The trace finds them by what they do to the samples of a map
(`gensynth.graph.trace.sampling`), and `gensynth.graph.trace.reduction_verdicts` measures what they
leave at the Nyquist frequency, so a low-pass filter such as Tri-3 is recognised by its response,
however it is written. A graph that a search space returns directly is judged here by its rows:
convolutions, pools, slices and resizes with a stride.
"""

from gensynth.graph.graph import LOW_PASS, Graph, Layer, Reduction


def judged_reductions(graph: Graph) -> tuple[Reduction, ...]:
    """List the reductions after the network's first convolution, each with its judgement.

    A mean or sum over all positions is not a reduction; a strided slice of a strided slice is one
    reduction together with it.
    """
    if graph.reductions is not None:
        return tuple(found for found in graph.reductions if not found.exempt)
    first = next((i for i, layer in enumerate(graph) if layer.kind == "conv"), len(graph))
    rows = (i for i in range(first + 1, len(graph)) if _reduces(graph, graph.layers[i]))
    return tuple(_judged(graph, row) for row in rows)


def reductions(graph: Graph) -> list[int]:
    """List the rows at which maps are reduced, after the network's first convolution."""
    return [reduction.row for reduction in judged_reductions(graph)]


def sees_low_pass(graph: Graph, row: int) -> bool:
    """Whether what the reduction at `row` subsamples was low-pass filtered."""
    return any(found.row == row and found.filtered for found in judged_reductions(graph))


def skipping(graph: Graph) -> list[int]:
    """List the rows that drop samples which no other path keeps, the first ones included."""
    if graph.reductions is not None:
        return [found.row for found in graph.reductions if found.skips]
    return [row for row, layer in enumerate(graph) if _skips(graph, row, layer)]


def _skips(graph: Graph, row: int, layer: Layer) -> bool:
    if not skips_samples(layer):
        return False
    if layer.kind != "move":
        return not layer.op.startswith("conv_transpose")
    return not (_keeps_all_phases(graph, layer) or _sees_low_pass(graph, row))


def _keeps_all_phases(graph: Graph, layer: Layer) -> bool:
    """Whether sister slices of the same map begin at all the other pixels."""
    sisters = {
        other.detail
        for other in graph
        if other.stride == layer.stride and other.inputs == layer.inputs and other.kind == "move"
    }
    return len(sisters) >= max(layer.stride)


def skips_samples(layer: Layer) -> bool:
    """Whether a window is narrower than its stride, so that it never sees some samples."""
    return any(extent < step for extent, step in zip(layer.kernel, layer.stride, strict=True))


def _judged(graph: Graph, row: int) -> Reduction:
    filtered, skips = _sees_low_pass(graph, row), skips_samples(graph.layers[row])
    if skips and not filtered:
        return Reduction(row, False, True, "drops samples between those it keeps")
    words = "a low-pass filter comes before" if filtered else "no low-pass filter comes before"
    return Reduction(row, filtered, False, words)


def _sees_low_pass(graph: Graph, row: int) -> bool:
    """Judge a row that reduces.

    Either the row is itself a low-pass filter, at least as wide as its stride, or it is linear and
    follows one at stride 1 directly; only moves may lie between them. A maximum brings
    high frequencies back, so a filter before it does not help.
    """
    layer = graph.layers[row]
    if layer.op.endswith("_aa"):
        return True
    if _is_low_pass(layer):
        return not skips_samples(layer)
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
