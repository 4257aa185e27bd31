"""A network as a table of layers: what ran, on which shapes, fed by whom.

`gensynth.trace.trace(module, input_shape)` reads it off any module; a search space may give the
same table directly. Everything judged before training (costs, columns, strides, filters) is read
off it.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from gensynth.genome import digest

Kind = Literal[
    "input",  # the image
    "conv",  # a convolution, unless it is a fixed spatial filter
    "linear",  # a matrix product with learnable weights
    "matmul",  # a matrix product of two activations (attention)
    "norm",  # batch, layer, group normalisation
    "activation",  # element by element, one input
    "softmax",  # over channels or positions
    "pool",  # max, average, or a fixed (not learnable) spatial filter such as a blur
    "reduce",  # mean or sum over positions: global pooling
    "resize",  # interpolation
    "combine",  # element by element, two or more inputs: add, mul, ...
    "move",  # only moves numbers: view, permute, slice, cat, pad, channel shuffle
    "other",  # counted nowhere, and said so
]


class Layer(NamedTuple):
    """One executed operator. Row `i` of a graph may read rows before `i` only."""

    kind: Kind
    op: str
    """Which one, in lower case: `conv2d`, `batch_norm`, `silu`, `max`, `avg`, `blur`, `add`."""
    inputs: tuple[int, ...]
    """Rows whose outputs are read, in the order of the arguments."""
    shape: tuple[int, ...]
    """Shape of the output without the batch axis: (C, H, W), or (features,)."""
    name: str = ""
    """Dotted path of the module that ran it; functional calls carry their caller's path."""
    kernel: tuple[int, int] = (1, 1)
    """Extent of the window, dilation included, of convolutions and pools."""
    stride: tuple[int, int] = (1, 1)
    groups: int = 1
    parameters: int = 0
    """Learnable numbers that first appear here (shared weights count once)."""
    macs: int = 0
    """Multiply-accumulates at batch 1: convolutions and matrix products, groups respected."""
    nyquist: float | None = None
    """Of a fixed spatial filter: |response| at Nyquist over that at zero, on the worse axis."""
    alias: bool = False
    """The output shares the memory of the first input (a view)."""
    route: tuple[tuple[int, int, int], ...] | None = ()
    """Where the output channels of a `move` or `reduce` come from, as runs (input position, first
    channel, one past the last); `()` = each from the same one; None = mixed beyond telling."""
    detail: str = ""
    """Arguments that change the function and show in no other column, as `key=value,...`."""


@dataclass(frozen=True)
class Graph:
    """All layers in the order of execution; row 0 is the input, the last row the output."""

    layers: tuple[Layer, ...]
    unread: tuple[str, ...] = ()
    """Names of parameters that no row reads; they are in no count."""

    def __iter__(self) -> Iterator[Layer]:
        """Iterate over the layers in the order of execution."""
        return iter(self.layers)

    def __len__(self) -> int:
        """Count the rows, the input's included."""
        return len(self.layers)

    def label(self, row: int) -> str:
        """Name a row for a person: its module, and which of several like operators of that."""
        layer = self.layers[row]
        alike = [i for i, r in enumerate(self.layers) if (r.op, r.name) == (layer.op, layer.name)]
        if layer.name and len(alike) == 1:
            return layer.name
        place = f"[{alike.index(row)}]" if len(alike) > 1 else ""
        return f"{layer.name}:{layer.op}{place}" if layer.name else f"{layer.op}{place}"

    @cached_property
    def fingerprint(self) -> str:
        """Name the function family in 12 hexadecimal digits, equal for equal structure.

        Covers what reaches the output, with rows that change nothing left out and the inputs of
        sums and products in canonical order. Module names and the order in which independent
        rows were executed play no part.
        """
        layers = self.layers
        inputs, output = _without_identities(layers)
        texts = [_text(layer) for layer in layers]
        order = _canonical_order(layers, inputs, texts, output)
        number = {row: place for place, row in enumerate(order)}
        return digest("\n".join(f"{texts[i]} {[number[j] for j in inputs[i]]}" for i in order))


_COMMUTATIVE = frozenset({"add", "mul", "maximum", "minimum"})
_COPIES = frozenset({"clone", "view", "unsafe_view", "expand", "permute", "slice"})


def _text(layer: Layer) -> str:
    """Write everything but the name and the inputs."""
    return (
        f"{layer.op} {layer.kind} {layer.shape} {layer.kernel} {layer.stride} {layer.groups} "
        f"{layer.parameters} {layer.nyquist} {layer.route} {layer.detail}"
    )


def _without_identities(layers: Sequence[Layer]) -> tuple[list[list[int]], int]:
    """Give the inputs of every row, and the output row, past rows that change nothing."""
    same = list(range(len(layers)))
    inputs = []
    for i, layer in enumerate(layers):
        inputs.append([same[j] for j in layer.inputs])
        if _changes_nothing(layer, layers):
            same[i] = inputs[i][0]
    return inputs, same[-1]


def _changes_nothing(layer: Layer, layers: Sequence[Layer]) -> bool:
    if len(layer.inputs) != 1 or layer.route != () or layer.detail:
        return False
    if layer.kind == "pool":
        return layer.op != "blur" and layer.kernel == layer.stride == (1, 1)
    return layer.op in _COPIES and layer.shape == layers[layer.inputs[0]].shape


def _canonical_order(
    layers: Sequence[Layer], inputs: list[list[int]], texts: Sequence[str], output: int
) -> list[int]:
    """Order the rows that reach `output`, sources first; sorts commutative inputs in place."""
    live = {output}
    for i in range(output, -1, -1):
        if i in live:
            live.update(inputs[i])
    rows = sorted(live)
    if any(layers[i].op in _COMMUTATIVE and len(inputs[i]) > 1 for i in rows):
        ranks = _ranks(layers, inputs, texts, rows)
        for i in rows:
            if layers[i].op in _COMMUTATIVE:
                inputs[i].sort(key=ranks.__getitem__)
    return _depth_first(inputs, output)


def _ranks(
    layers: Sequence[Layer], inputs: list[list[int]], texts: Sequence[str], rows: list[int]
) -> dict[int, tuple[int, int]]:
    """Tell rows apart by what feeds them and, where that ties, by what they feed."""
    up: dict[int, int] = {}
    for i in rows:
        fed = [up[j] for j in inputs[i]]
        if layers[i].op in _COMMUTATIVE:
            fed.sort()
        up[i] = zlib.crc32(f"{texts[i]}{fed}".encode())
    down = dict.fromkeys(rows, 0)
    for i in reversed(rows):
        ordered = layers[i].op not in _COMMUTATIVE
        for place, j in enumerate(inputs[i]):
            fed_here = up[i] ^ down[i] + (place + 1) * ordered
            # A sum of products does not depend on the order of the readers.
            down[j] = (down[j] + (fed_here | 1) * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    return {i: (up[i], down[i]) for i in rows}


def _depth_first(inputs: list[list[int]], output: int) -> list[int]:
    """List what feeds `output`, every row after its inputs, in an order the edges alone fix."""
    order: list[int] = []
    seen: set[int] = set()
    stack = [(output, False)]
    while stack:
        row, fed = stack.pop()
        if fed:
            order.append(row)
        elif row not in seen:
            seen.add(row)
            stack.append((row, True))
            stack.extend((j, False) for j in reversed(inputs[row]))
    return order
