"""A network as a table of layers: what ran, on which shapes, fed by whom.

`gensynth.graph.trace.trace(module, input_shape)` reads it off any module; a search space may give
the same table directly. Everything judged before training (costs, columns, strides, filters) is
read off it.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from gensynth.genome import digest

LOW_PASS = 1 / 3
"""Largest |response| at the Nyquist frequency, relative to that at zero, of a low-pass filter.

It is that of the 3x3 mean; Rect-2, Tri-3 and Bin-5 (Zhang 2019, arXiv 1904.11486) have 0.
"""

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
    "mix",  # sorts, picks or accumulates numbers; no products
    "other",  # not known: what it costs and does is in no count and no verdict
]


class Layer(NamedTuple):
    """One executed operator. Row `i` of a graph may read rows before `i` only."""

    kind: Kind
    """`input`, `conv`, `linear`, `matmul`, `norm`, `activation`, `softmax`, `pool`, `reduce`,
    `resize`, `combine`, `move`, `mix`, or `other`: no rule knows what it costs and does."""
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
    """Steps of the window, as (vertical, horizontal)."""
    groups: int = 1
    """Groups of a convolution; 1 = dense."""
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


class Reduction(NamedTuple):
    """A place at which the sampling grid of a map becomes coarser."""

    row: int
    """The row at which it does."""
    filtered: bool | None
    """Whether a low-pass filter precedes the subsampling; None if that depends on the image."""
    skips: bool
    """Whether it drops samples that no other path keeps."""
    cause: str
    """Why it was judged so, for a person."""
    exempt: bool = False
    """Whether it is at or before the first convolution, where anti-aliasing is not required."""


class Stored(NamedTuple):
    """What lies on the device, whether or not an image reads it."""

    params: int
    """Numbers in the parameters; buffers are none."""
    bytes: int
    """Bytes of the parameters in the precision that they have."""


@dataclass(frozen=True)
class Graph:
    """All layers in the order of execution; row 0 is the input, the last row the output."""

    layers: tuple[Layer, ...]
    """One row for each executed operator; iterating over the graph gives them, too."""
    unread: tuple[str, ...] = ()
    """Names of parameters that no row reads; they are stored all the same."""
    stored: Stored | None = field(default=None, compare=False)
    """The parameters of the module; None if the rows are all that is known."""
    reductions: tuple[Reduction, ...] | None = field(default=None, compare=False)
    """Found by their linear response during a trace; None if the rows are all that is known."""

    constants: tuple[Layer, ...] = ()
    """Products of learned weights with constants (a table of positions): rows that read no row."""

    @property
    def unknown(self) -> tuple[str, ...]:
        """Operators without a rule, each with the module that ran it, as `op (module)`."""
        rows = (layer for layer in self if layer.kind == "other")
        return tuple(dict.fromkeys(f"{r.op} ({r.name or 'the network'})" for r in rows))

    @property
    def not_known(self) -> str:
        """The unknown operators in a sentence, for what cannot be judged because of them."""
        return no_rule_for(self.unknown)

    def __iter__(self) -> Iterator[Layer]:
        """Iterate over the layers in the order of execution."""
        return iter(self.layers)

    def __len__(self) -> int:
        """Return the number of rows, including the input."""
        return len(self.layers)

    def label(self, row: int) -> str:
        """Return a readable name of a row: its module, and its index among like operators."""
        layer = self.layers[row]
        alike = [i for i, r in enumerate(self.layers) if (r.op, r.name) == (layer.op, layer.name)]
        if layer.name and len(alike) == 1:
            return layer.name
        place = f"[{alike.index(row)}]" if len(alike) > 1 else ""
        return f"{layer.name}:{layer.op}{place}" if layer.name else f"{layer.op}{place}"

    @cached_property
    def fingerprint(self) -> str:
        """The structure of the network in 12 hexadecimal digits; see the function `fingerprint`."""
        return fingerprint(self.layers)


def no_rule_for(operators: Sequence[str]) -> str:
    """Return, in words, which operators have no rule; empty if all have one."""
    more = f" and {len(operators) - 3} more" if len(operators) > 3 else ""
    return f"no rule for {', '.join(operators[:3])}{more}" if operators else ""


_COMMUTATIVE = frozenset({"add", "mul", "maximum", "minimum"})
_COPIES = frozenset({"clone", "view", "expand", "slice", "output"})
"""Moves that change nothing where they keep the shape."""
_WORD = (1 << 64) - 1
_PRIME = 0x9E3779B97F4A7C15

Inputs = list[list[int]]
"""The rows that each row reads."""


def fingerprint(layers: Sequence[Layer]) -> str:
    """Return 12 hexadecimal digits that identify the structure that reaches the output.

    Rows that change nothing are left out and the inputs of sums and products stand in canonical
    order. Module names and the order in which independent rows were executed play no part.
    """
    inputs, output = _without_identities(layers)
    texts, marks = zip(
        *(_text(layer[:2] + layer[3:4] + layer[5:]) for layer in layers), strict=True
    )
    _sort_commutative(layers, inputs, marks, output)
    order = _depth_first(inputs, output)
    number = {row: place for place, row in enumerate(order)}
    return digest("\n".join(f"{texts[i]}{[number[j] for j in inputs[i]]}" for i in order))


@lru_cache(maxsize=1 << 16)
def _text(columns: tuple[Any, ...]) -> tuple[str, int]:
    """Return a text of everything of a row but its name and inputs, and a hash of that text."""
    text = repr(columns)
    return text, zlib.crc32(text.encode())


def _without_identities(layers: Sequence[Layer]) -> tuple[Inputs, int]:
    """Return the inputs of every row and the output row, skipping rows that change nothing."""
    same = list(range(len(layers)))
    inputs = []
    for i, layer in enumerate(layers):
        read = [same[j] for j in layer.inputs]
        inputs.append(read)
        if layer.kind in ("move", "pool") and _changes_nothing(layer, layers):
            same[i] = read[0]
    return inputs, same[-1]


def _changes_nothing(layer: "Layer", layers: Sequence[Layer]) -> bool:
    if layer.kind == "pool":
        return layer.op != "blur" and layer.kernel == layer.stride == (1, 1)
    if layer.op not in _COPIES or len(layer.inputs) != 1 or layer.route != ():
        return False
    return layer.shape == layers[layer.inputs[0]].shape


def _is_commutative(layer: "Layer") -> bool:
    return layer.op in _COMMUTATIVE and len(layer.inputs) > 1 and not layer.detail


def _sort_commutative(
    layers: Sequence[Layer], inputs: Inputs, marks: Sequence[int], output: int
) -> None:
    """Order the inputs of sums and products by what feeds them, then by what else they feed."""
    up: list[int] = []
    joins = []
    for layer, read, mark in zip(layers, inputs, marks, strict=True):
        if _is_commutative(layer):
            joins.append(read)
            mark += sum(up[j] * _PRIME for j in read)
        else:
            for j in read:
                mark = (mark * _PRIME + up[j] + 1) & _WORD
        up.append(mark & _WORD)
    for read in joins:
        read.sort(key=up.__getitem__)
    if any(up[i] == up[j] and i != j for read in joins for i, j in pairwise(read)):
        down = _readers(layers, inputs, up, output)
        for read in joins:
            read.sort(key=lambda row: (up[row], down[row]))


def _readers(layers: Sequence[Layer], inputs: Inputs, up: Sequence[int], output: int) -> list[int]:
    """Return a number for each row that identifies all its readers on the way to the output."""
    down = [0] * len(inputs)
    live = {output}
    for i in range(output, -1, -1):
        if i in live:
            live.update(inputs[i])
            for place, j in enumerate(inputs[i]):
                here = up[i] + 3 * down[i] + (0 if _is_commutative(layers[i]) else place + 1)
                down[j] = (down[j] + here * here * _PRIME) & _WORD
    return down


def _depth_first(inputs: Inputs, output: int) -> list[int]:
    """List what feeds `output`, every row after its inputs, in an order that the edges fix."""
    order: list[int] = []
    seen = [False] * len(inputs)
    stack = [output]
    while stack:
        row = stack.pop()
        if row < 0:
            order.append(~row)
        elif not seen[row]:
            seen[row] = True
            stack.append(~row)
            stack.extend(inputs[row][::-1])
    return order
