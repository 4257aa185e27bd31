"""A network as a table of layers: what ran, on which shapes, fed by whom.

`trace(module, input_shape)` reads it off any module; a search space may give the same table
directly. Everything judged before training (costs, columns, strides, filters) is read off it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal[
    "input",  # the image
    "conv",  # a convolution with learnable weights
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
    """Of a `move`, where the output channels come from, as runs (input position, first channel,
    one past the last); `()` = each channel from the same one; None = mixed beyond telling."""


@dataclass(frozen=True)
class Graph:
    """All layers in the order of execution; row 0 is the input, the last row the output."""

    layers: tuple[Layer, ...]

    def __iter__(self) -> Iterator[Layer]:
        """Iterate over the layers in the order of execution."""
        return iter(self.layers)

    def __len__(self) -> int:
        """Count the rows, the input's included."""
        return len(self.layers)
