"""A network as a person would draw it: blocks of lanes, lanes of strips, strips of columns.

It is read off the graph, so that the network of any search space can be drawn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from gensynth.graph.columns import blocks_of
from gensynth.graph.downsampling import reductions, sees_low_pass
from gensynth.graph.graph import Graph, Layer

Tone = Literal["columns", "dense", "depthwise", "filtered", "aliased", "pool", "bound", "join"]
"""What a strip is: a convolution in columns, over all channels, channel by channel; a reduction
with and without a low-pass filter before it; another pool; what bounds a gate; where lanes meet."""
_BOUNDS = ("sigmoid", "hardsigmoid", "softmax", "tanh")
TIMES = "\N{MULTIPLICATION SIGN}"
_JOINS = {"mul": TIMES, "add": "+"}


@dataclass(frozen=True)
class Strip:
    """One layer as it is drawn."""

    tone: Tone
    label: str
    cells: int = 1
    """Parallel groups of a convolution."""
    told: str = ""
    """The layer in a sentence."""


@dataclass(frozen=True)
class Block:
    """What stands between two places that all data passes through."""

    name: str
    lanes: tuple[tuple[Strip, ...], ...]
    """Side by side; one that is empty is a shortcut."""
    join: str
    """How the lanes meet: `TIMES` (a gate), `+`, `cat`; empty in a plain chain."""
    shape: tuple[int, ...]
    """Of the output: channels, height, width, or features."""
    times: int = 1
    """So many blocks of this kind follow each other."""

    @property
    def looks(self) -> tuple[object, ...]:
        """Everything that is seen of it: blocks that look alike are drawn once."""
        lanes = tuple(tuple((s.tone, s.label, s.cells) for s in lane) for lane in self.lanes)
        return (lanes, self.join, self.shape)


def sketch(graph: Graph) -> tuple[Block, ...]:
    """Draw up the blocks of a network, those that repeat once, in the order of execution."""
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
    """Tell forks from plain rows, and plain rows of one part of the network from another's."""

    def kind(block: range) -> tuple[bool, str]:
        fork = len(block) > 1
        return fork, "" if fork else graph.layers[block[0]].name.partition(".")[0]

    return kind


def _chain(graph: Graph, rows: Sequence[int], reduced: dict[int, bool]) -> Block:
    strips = tuple(s for row in rows if (s := _strip(graph, row, reduced)) is not None)
    last = graph.layers[rows[-1]] if rows else graph.layers[0]
    return Block(_name(graph, rows), (strips,), "", last.shape)


def _fork(graph: Graph, rows: range, reduced: dict[int, bool]) -> Block:
    """Give each input of the last row a lane, with what of the block only it needs, or first."""
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
    """Collect `row` and what it depends on, within the block."""
    found, todo = set[int](), [row]
    while todo:
        at = todo.pop()
        if at in rows and at not in found:
            found.add(at)
            todo += graph.layers[at].inputs
    return found


def _name(graph: Graph, rows: Sequence[int]) -> str:
    """Name the part of the module tree that holds all rows."""
    paths = [graph.layers[row].name.split(".") for row in rows if graph.layers[row].name]
    shared = []
    for words in zip(*paths, strict=False):
        if len(set(words)) > 1:
            break
        shared.append(words[0])
    return ".".join(shared)


def _strip(graph: Graph, row: int, reduced: dict[int, bool]) -> Strip | None:
    """Draw a layer, or nothing: norms, activations and moves go without saying."""
    layer = graph.layers[row]
    if layer.kind in ("conv", "linear"):
        return _weighted(graph, row, reduced)
    if row in reduced:
        tone: Tone = "filtered" if reduced[row] else "aliased"
        return Strip(tone, f"{layer.op} {_down(layer)}", told=_told(graph, row, layer.op))
    if layer.kind in ("pool", "resize", "reduce"):
        words = {"reduce": "global mean", "resize": "bring back"}.get(layer.kind, layer.op)
        return Strip("pool", words, told=_told(graph, row, words))
    if layer.op in _BOUNDS:
        return Strip("bound", layer.op, told=_told(graph, row, layer.op))
    if layer.kind == "combine":
        sign = _JOINS.get(layer.op, layer.op)
        return Strip("join", sign, told=_told(graph, row, layer.op))
    return None


def _weighted(graph: Graph, row: int, reduced: dict[int, bool]) -> Strip:
    layer = graph.layers[row]
    if layer.kind == "linear":
        return Strip("dense", f"linear {layer.shape[-1]}", told=_told(graph, row, "linear"))
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
    return Strip(tone, label, cells, _told(graph, row, words))


def _down(layer: Layer) -> str:
    return f"↓{max(layer.stride)}" if max(layer.stride) > 1 else "↓"


def _told(graph: Graph, row: int, words: str) -> str:
    layer = graph.layers[row]
    size = TIMES.join(map(str, layer.shape))
    macs = f", {layer.macs:,} MACs" if layer.macs else ""
    return f"{graph.label(row)}: {words}; gives {size}{macs}"
