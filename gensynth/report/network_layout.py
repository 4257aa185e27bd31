"""A network as a person would draw it: blocks of lanes, lanes of strips, strips of columns.

It is derived from the graph, so networks of any search space can be drawn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from gensynth.graph.columns import blocks_of
from gensynth.graph.downsampling import reductions, sees_low_pass
from gensynth.graph.graph import Graph, Layer

Tone = Literal["columns", "dense", "depthwise", "filtered", "aliased", "pool", "bound", "join"]
"""The kind of a strip: a convolution in columns, over all channels, or channel by channel; a
reduction with or without a low-pass filter; another pool; the bound of a gate; a join of lanes."""
_BOUNDS = ("sigmoid", "hardsigmoid", "softmax", "tanh")
TIMES = "\N{MULTIPLICATION SIGN}"
_JOINS = {"mul": TIMES, "add": "+"}


@dataclass(frozen=True)
class Strip:
    """One layer of a drawing."""

    tone: Tone
    label: str
    cells: int = 1
    """Parallel groups of a convolution."""
    tooltip: str = ""
    """The layer in a sentence."""


@dataclass(frozen=True)
class Block:
    """The layers between two places that all data passes through."""

    name: str
    lanes: tuple[tuple[Strip, ...], ...]
    """Lanes side by side; an empty one is a shortcut."""
    join: str
    """How the lanes are joined: `TIMES` (a gate), `+` or `cat`; empty for a plain chain."""
    shape: tuple[int, ...]
    """Shape of the output: channels, height, width, or features."""
    times: int = 1
    """Number of consecutive blocks of this kind."""

    @property
    def looks(self) -> tuple[object, ...]:
        """Everything visible: consecutive blocks that look alike are drawn once."""
        lanes = tuple(tuple((s.tone, s.label, s.cells) for s in lane) for lane in self.lanes)
        return (lanes, self.join, self.shape)


def sketch(graph: Graph) -> tuple[Block, ...]:
    """Return the blocks of a network in order of execution; repeated ones appear once."""
    reduced = {row: sees_low_pass(graph, row) for row in reductions(graph)}
    chains = [list(group) for _, group in groupby(blocks_of(graph.layers), key=_kind(graph))]
    blocks = []
    for group in chains:
        if len(group[0]) > 1:
            blocks += [_fork(graph, block, reduced) for block in group]
        else:
            rows = [row for block in group for row in block if graph.layers[row].kind != "input"]
            block = _chain(graph, rows, reduced)
            blocks += [block] if block.lanes[0] else []
    return tuple(
        replace(alike[0], times=len(alike))
        for alike in (list(group) for _, group in groupby(blocks, key=lambda b: b.looks))
    )


def _kind(graph: Graph) -> Callable[[range], tuple[bool, str]]:
    """Return a key that separates forks from plain rows, and the parts of the network."""

    def kind(block: range) -> tuple[bool, str]:
        fork = len(block) > 1
        return fork, "" if fork else graph.layers[block[0]].name.partition(".")[0]

    return kind


def _chain(graph: Graph, rows: Sequence[int], reduced: dict[int, bool]) -> Block:
    strips = tuple(s for row in rows if (s := _strip(graph, row, reduced)) is not None)
    last = graph.layers[rows[-1]] if rows else graph.layers[0]
    return Block(_name(graph, rows), (strips,), "", last.shape)


def _fork(graph: Graph, rows: range, reduced: dict[int, bool]) -> Block:
    """Make a lane for each input of the last row, from the rows that it is the first to need."""
    end, taken, lanes = rows[-1], set[int](), []
    layer = graph.layers[end]
    for source in layer.inputs:
        mine = sorted(_above(graph, source, rows) - taken)
        taken.update(mine)
        strips = (_strip(graph, row, reduced) for row in mine)
        lanes.append(tuple(s for s in strips if s is not None))
    join = _JOINS.get(layer.op, "cat" if layer.kind == "move" else layer.op)
    if len(lanes) == 1:
        last = _strip(graph, end, reduced)
        lanes, join = [lanes[0] + ((last,) if last else ())], ""
    return Block(_name(graph, rows), tuple(lanes), join, layer.shape)


def _above(graph: Graph, row: int, rows: range) -> set[int]:
    """Return `row` and the rows of the block that it depends on."""
    found, todo = set[int](), [row]
    while todo:
        at = todo.pop()
        if at in rows and at not in found:
            found.add(at)
            todo += graph.layers[at].inputs
    return found


def _name(graph: Graph, rows: Sequence[int]) -> str:
    """Return the path of the submodule that holds all rows."""
    paths = [graph.layers[row].name.split(".") for row in rows if graph.layers[row].name]
    shared = []
    for words in zip(*paths, strict=False):
        if len(set(words)) > 1:
            break
        shared.append(words[0])
    return ".".join(shared)


def _strip(graph: Graph, row: int, reduced: dict[int, bool]) -> Strip | None:
    """Return the strip of a layer; norms, activations and moves have none."""
    layer = graph.layers[row]
    if layer.kind in ("conv", "linear"):
        return _weighted(graph, row, reduced)
    if row in reduced:
        tone: Tone = "filtered" if reduced[row] else "aliased"
        return Strip(tone, f"{layer.op} {_down(layer)}", tooltip=_tooltip(graph, row, layer.op))
    if layer.kind in ("pool", "resize", "reduce"):
        words = {"reduce": "global mean", "resize": "resize"}.get(layer.kind, layer.op)
        return Strip("pool", words, tooltip=_tooltip(graph, row, words))
    if layer.op in _BOUNDS:
        return Strip("bound", layer.op, tooltip=_tooltip(graph, row, layer.op))
    if layer.kind == "combine":
        sign = _JOINS.get(layer.op, layer.op)
        return Strip("join", sign, tooltip=_tooltip(graph, row, layer.op))
    return None


def _weighted(graph: Graph, row: int, reduced: dict[int, bool]) -> Strip:
    layer = graph.layers[row]
    if layer.kind == "linear":
        return Strip("dense", f"linear {layer.shape[-1]}", tooltip=_tooltip(graph, row, "linear"))
    inputs = graph.layers[layer.inputs[0]].shape[0]
    depthwise = layer.groups > 1 and layer.groups == inputs
    tone: Tone = "depthwise" if depthwise else "columns" if layer.groups > 1 else "dense"
    if row in reduced and not reduced[row]:
        tone = "aliased"
    label = f"{layer.kernel[0]}{TIMES}{layer.kernel[1]}"
    if max(layer.stride) > 1:
        label += f" {_down(layer)}"
    words = f"convolution {label}, {inputs} to {layer.shape[0]} channels"
    if depthwise:
        words += ", channel by channel"
    elif layer.groups > 1:
        words += f", {layer.groups} groups"
    cells = 1 if depthwise else layer.groups
    return Strip(tone, label, cells, _tooltip(graph, row, words))


def _down(layer: Layer) -> str:
    return f"↓{max(layer.stride)}" if max(layer.stride) > 1 else "↓"


def _tooltip(graph: Graph, row: int, words: str) -> str:
    layer = graph.layers[row]
    size = TIMES.join(map(str, layer.shape))
    macs = f", {layer.macs:,} MACs" if layer.macs else ""
    return f"{graph.label(row)}: {words}; output {size}{macs}"
