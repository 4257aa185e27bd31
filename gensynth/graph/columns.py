"""Columnar analysis: how many parallel columns a network has, and where they interact.

The analysis follows the data flow channel by channel (`gensynth.graph.column_flow`), so it finds
columns whether they are grouped convolutions or parallel branches, modules or function calls.
The definitions:

- A *column* is a part of the network that computes independently until it meets another column. In
  a column, some convolution mixes at least two channels, and a spatial convolution (with a window
  larger than 1x1), the same or a later one, works on the result. Each group of a grouped
  convolution with two or more channels per group does both. A depthwise convolution alone therefore
  makes no columns, and neither does a shortcut next to a branch that consists of a 1x1 convolution,
  or of a depthwise and a 1x1 convolution.
- Columns *interact* where one number is computed from two or more of them: at a dense 1x1
  convolution, at a group that reads two columns after a channel shuffle, at the sum of two
  branches, or at a gate that is computed from all of them (squeeze-and-excitation, the 1x1
  convolution of an attention condenser). The result of an interaction, and whatever such a gate
  multiplies, no longer belongs to a column. Normalisation, softmax, and the product of a column
  with something outside of all columns are not interactions.
- A convolution is *computed in k columns* if it belongs to one of k columns that meet later.
- A *block* lies between two rows that all data passes through. A *stage* is a sequence of blocks of
  one spatial size; a block that condenses a map and enlarges it again belongs to the larger size.
- The *entry block* of a stage is its first block that forks, contains a spatial convolution, and
  joins; in a plain chain, it is everything up to the first spatial convolution.
- The *first stage* is the first one with such a fork, or in a plain chain the first that contains
  more than the network's first convolution. Everything before it is the stem.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from gensynth.graph.column_flow import Flow
from gensynth.graph.gates import Readers, is_gate, readers_of
from gensynth.graph.graph import Graph, Layer

Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True)
class ColumnStage:
    """A sequence of blocks of one spatial size."""

    size: Size
    """Size of its maps."""
    columns: int
    """Number of parallel columns in which most of its spatial multiply-accumulates are computed.

    The network's first convolution, which reads the image, counts only if there is no other."""
    spatial_macs: int
    """Multiply-accumulates of its spatial convolutions."""
    column_macs: int
    """The share of `spatial_macs` that is computed in two or more columns, as a count."""
    entry_interactions: tuple[int, ...]
    """Rows of the graph at which columns interact, up to the end of the entry block."""
    later_interactions: tuple[int, ...]
    """Rows after the entry block at which columns interact."""


@dataclass(frozen=True)
class Columns:
    """The columns of a network."""

    stages: tuple[ColumnStage, ...]
    """The stages with spatial convolutions, in the order of execution."""
    first: ColumnStage | None
    """The first stage; None in a network without spatial convolutions."""
    single: tuple[int, ...]
    """Rows of the spatial convolutions that lie at least partly outside of all columns."""

    @property
    def share(self) -> float:
        """Share of the spatial convolutions' multiply-accumulates in two or more columns."""
        total = sum(stage.spatial_macs for stage in self.stages)
        return sum(stage.column_macs for stage in self.stages) / total if total else 0.0


@dataclass(frozen=True)
class Interaction:
    """A layer at which columns interact."""

    layer: str
    entry: bool
    """Whether it lies in the entry block of its stage."""
    gate: bool
    """Whether it acts through a gate: squeeze-and-excitation or an attention condenser."""


@dataclass(frozen=True)
class StageReport:
    """A stage for display, with the names of its layers."""

    size: Size
    columns: int
    spatial_macs: int
    column_macs: int
    interactions: tuple[Interaction, ...]

    def __str__(self) -> str:
        """Return one line: size, columns, their share of the MACs, and where they interact."""
        return f"{self.size[0]}x{self.size[1]}: {self._work()}{self._meeting()}"

    def _work(self) -> str:
        large = self.spatial_macs >= 1e6
        count = f"{self.spatial_macs / (1e6 if large else 1e3):,.1f} {'M' if large else 'k'}"
        macs = f"{count} spatial MACs"
        if not self.column_macs:
            return f"no parallel columns, {macs}"
        most = f"{self.columns} columns" if self.columns > 1 else "mostly one column"
        return f"{most}, {self.column_macs / self.spatial_macs:.0%} of {macs} in columns"

    def _meeting(self) -> str:
        if not self.interactions:
            return ", without interaction" if self.column_macs else ""
        words = [_marked(interaction) for interaction in self.interactions]
        more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
        return f"; columns interact at {', '.join(words[:_NAMED])}{more}"


_NAMED = 6
"""Number of interactions that a line names; the others are only counted."""


def _marked(interaction: Interaction) -> str:
    marks = [word for word in ("entry", "gate") if getattr(interaction, word)]
    return interaction.layer + (f" ({', '.join(marks)})" if marks else "")


def stage_reports(graph: Graph) -> tuple[StageReport, ...]:
    """Return the number of columns of each stage, and the names of layers where they interact."""
    readers = readers_of(graph)
    return tuple(_reported(graph, stage, readers) for stage in analyse(graph).stages)


def describe_columns(graph: Graph) -> list[str]:
    """Return one line per stage that describes its columns."""
    return [str(stage) for stage in stage_reports(graph)]


def _reported(graph: Graph, stage: ColumnStage, readers: Readers) -> StageReport:
    met = [(row, True) for row in stage.entry_interactions]
    met += [(row, False) for row in stage.later_interactions]
    interactions = [
        Interaction(graph.label(row), entry, is_gate(graph, row, readers)) for row, entry in met
    ]
    return StageReport(
        stage.size, stage.columns, stage.spatial_macs, stage.column_macs, tuple(interactions)
    )


def analyse(graph: Graph) -> Columns:
    """Return the columns of every stage of `graph`."""
    flow = Flow(graph.layers)
    convolutions = [i for i, layer in enumerate(graph) if layer.kind == "conv"]
    spatial = [i for i in convolutions if max(graph.layers[i].kernel) > 1]
    stages, first, chained = [], None, None
    for size, blocks in _stages(graph.layers):
        rows = range(blocks[0].start, blocks[-1].stop)
        here = [i for i in spatial if i in rows]
        if not here:
            continue
        fork = next((b for b in blocks if len(b) > 1 and any(i in b for i in here)), None)
        stage = _stage(flow, size, rows, fork.stop if fork else here[0] + 1)
        stages.append(stage)
        first = first or (stage if fork else None)
        chained = chained or (stage if here != convolutions[:1] else None)
    counted = zip(flow.nodes, flow.columns, strict=True)
    single = dict.fromkeys(node.row for node, columns in counted if columns < 2)
    return Columns(tuple(stages), first or chained, tuple(i for i in spatial if i in single))


def _stage(flow: Flow, size: Size, rows: range, entry_end: int) -> ColumnStage:
    macs: Counter[int] = Counter()
    image_reader: Counter[int] = Counter()
    for number, node in enumerate(flow.nodes):
        if node.row in rows and flow.is_spatial(number):
            counter = image_reader if node.row == flow.nodes[0].row else macs
            counter[flow.columns[number]] += node.macs
    total = macs + image_reader
    met = [row for row in flow.interactions if row in rows]
    return ColumnStage(
        size,
        max(macs or total, key=lambda columns: (macs[columns], columns)),
        total.total(),
        total.total() - total[1],
        tuple(row for row in met if row < entry_end),
        tuple(row for row in met if row >= entry_end),
    )


def _stages(layers: Sequence[Layer]) -> list[tuple[Size, list[range]]]:
    """Group blocks by size; a block counts as large as the largest block after it."""
    sizes = _sizes(layers)
    blocks = blocks_of(layers)
    stages: list[tuple[Size, list[range]]] = []
    size = (1, 1)
    for block in reversed(blocks):
        size = max(size, sizes[block[-1]], key=prod)
        if stages and stages[-1][0] == size:
            stages[-1][1].insert(0, block)
        else:
            stages.append((size, [block]))
    return stages[::-1]


def _sizes(layers: Sequence[Layer]) -> list[Size]:
    """Return the height and width of the map at each row; one pixel for plain features."""
    sizes: list[Size] = []
    for layer in layers:
        if len(layer.shape) == 1:
            sizes.append((1, 1))
        elif len(layer.shape) == 3 and layer.kind in _MAPS:
            sizes.append((layer.shape[1], layer.shape[2]))
        elif len(layer.inputs) == 1:
            sizes.append(sizes[layer.inputs[0]])
        else:
            sizes.append(max((sizes[j] for j in layer.inputs), key=prod))
    return sizes


_MAPS = frozenset({"input", "conv", "pool", "resize", "reduce"})
"""Kinds of layers that change the size of maps, with the channels as the first axis."""


def blocks_of(layers: Sequence[Layer]) -> list[range]:
    """Split the rows into blocks, after each row that all data passes through."""
    last_use = list(range(len(layers)))
    for i, layer in enumerate(layers):
        for j in layer.inputs:
            last_use[j] = i
    blocks, start, needed = [], 0, 0
    for i, last in enumerate(last_use):
        if needed <= i:
            blocks.append(range(start, i + 1))
            start = i + 1
        needed = max(needed, last)
    return blocks
