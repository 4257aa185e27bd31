"""Recognises gates (squeeze-and-excitation, attention condensers) by the data flow."""

from collections.abc import Iterator, Sequence

from gensynth.graph.graph import Graph

_BOUNDS = frozenset({"sigmoid", "hardsigmoid", "softmax", "tanh", "relu6", "hardtanh"})

Readers = Sequence[Sequence[int]]
"""For each row of a graph, the rows that read it."""


def readers_of(graph: Graph) -> Readers:
    """Return, for each row, the rows that read it."""
    readers: list[list[int]] = [[] for _ in graph]
    for row, layer in enumerate(graph):
        for source in dict.fromkeys(layer.inputs):
            readers[source].append(row)
    return readers


def is_gate(graph: Graph, row: int, readers: Readers) -> bool:
    """Whether a row affects other features only as a gate.

    Everything computed from it passes a bounded function (sigmoid, softmax) and then multiplies
    something that does not depend on it. A convolution that is gated by its own output is not a
    gate, and neither is `x * sigmoid(x)`.
    """
    below = _below(graph, row)
    ends = list(_ends(graph, row, readers))
    return bool(ends) and all(
        bounded and graph.layers[end].op == "mul" and not below.issuperset(graph.layers[end].inputs)
        for end, bounded in ends
    )


def _below(graph: Graph, row: int) -> set[int]:
    below = {row}
    for later in range(row + 1, len(graph)):
        if not below.isdisjoint(graph.layers[later].inputs):
            below.add(later)
    return below


def _ends(graph: Graph, row: int, readers: Readers) -> Iterator[tuple[int, bool]]:
    """Yield rows where dependants of `row` meet other features, and whether they were bounded."""
    todo, seen = [(row, False)], set()
    while todo:
        place = todo.pop()
        if place in seen:
            continue
        seen.add(place)
        at, bounded = place
        if not readers[at]:
            yield at, False
        for reader in readers[at]:
            if graph.layers[reader].kind == "combine":
                yield reader, bounded
            else:
                todo.append((reader, bounded or graph.layers[reader].op in _BOUNDS))
