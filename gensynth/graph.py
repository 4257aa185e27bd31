"""A network as a table of layers: what ran, on which shapes, fed by whom.

`gensynth.trace.trace(module, input_shape)` reads it off any module; a search space may give the
same table directly. Everything judged before training (costs, columns, strides, filters) is read
off it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from gensynth.fingerprint import fingerprint

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
        """Name the function family, as `gensynth.fingerprint.fingerprint` says."""
        return fingerprint(self.layers)
