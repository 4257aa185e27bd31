"""Determines which channels depend on which convolutions, and where independent ones meet.

Every channel of every row carries the set of *nodes* that it depends on. A node is one group of a
convolution; a depthwise convolution, whose channels stay separate, is one node for each column that
passes through it. A set is an integer whose bits are the nodes. `gensynth.graph.columns` defines
columns and interactions.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, combinations, groupby
from typing import NamedTuple

from gensynth.graph.graph import Layer


class ChannelRun(NamedTuple):
    """Adjacent channels with the same history."""

    length: int
    past: int
    """Set of nodes that they depend on."""
    shared: int
    """Subset of `past` before the last interaction, which belongs to no column any more."""


class Node(NamedTuple):
    """A group of a convolution, or the part of a depthwise convolution in one column."""

    row: int
    macs: int
    past: int
    """Set of nodes that it depends on."""


ChannelRuns = Sequence[ChannelRun]
History = tuple[int, int]
"""`past` and `shared` of a run."""

_KEEPS_CHANNELS = frozenset({"norm", "activation", "softmax", "pool", "resize"})
_MOVES = frozenset({"move", "reduce"})


class Flow:
    """Follows every channel of a graph through its rows."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.nodes: list[Node] = []
        self.columns: list[int] = []
        """For each node, the largest number of meeting columns that it is part of; 1 if none."""
        self.interactions: list[int] = []
        """The rows at which columns interact."""
        self._spatial = 0
        """Set of the nodes with a window larger than 1x1."""
        self._mixing = 0
        """Set of the nodes that mix at least two channels."""
        self._runs: list[ChannelRuns] = []
        for row, layer in enumerate(layers):
            inputs = [self._runs[j] for j in layer.inputs]
            self._runs.append(self._after(row, layer, inputs))
            if self.interactions and self.interactions[-1] == row:
                self._count_columns(inputs)
        self._count_columns(self._runs[-1:])

    def is_spatial(self, node: int) -> bool:
        """Whether the node has a window larger than 1x1."""
        return bool(self._spatial >> node & 1)

    def _after(self, row: int, layer: Layer, inputs: list[ChannelRuns]) -> ChannelRuns:
        if layer.kind in _KEEPS_CHANNELS or (layer.kind in _MOVES and layer.route == ()):
            return inputs[0]
        if layer.kind == "conv":
            return self._convolve(row, layer, inputs[0])
        if layer.kind == "combine":
            return self._combine(row, inputs)
        if layer.kind == "input":
            return [ChannelRun(layer.shape[0], 0, 0)]
        if layer.kind in _MOVES and layer.route:
            return _routed(layer.route, inputs)
        return [self._mix(row, layer, [run for runs in inputs for run in runs])]

    def _mix(self, row: int, layer: Layer, runs: ChannelRuns) -> ChannelRun:
        last = layer.kind in ("linear", "matmul")
        features = layer.shape[-1 if last else 0] if layer.shape else 1
        past, shared = self._meet(row, runs)
        node = self._node(row, 0, past, False, True) if layer.kind == "linear" else 0
        return ChannelRun(features, past | node, shared)

    def _convolve(self, row: int, layer: Layer, runs: ChannelRuns) -> ChannelRuns:
        inputs, outputs, groups = _length(runs), layer.shape[0], layer.groups
        if groups > 1 and groups == inputs:
            return self._convolve_depthwise(row, layer, runs)
        if inputs % groups:  # The graph could not follow these channels.
            runs, inputs = [ChannelRun(groups, *self._meet(row, runs))], groups
        width, made, macs = inputs // groups, outputs // groups, layer.macs // groups
        spatial, mixing = max(layer.kernel) > 1, width > 1 and made > 1
        after = []
        for part in _parts(runs, groups, width):
            past, shared = self._meet(row, part)
            node = self._node(row, macs, past, spatial, mixing)
            after.append(ChannelRun(made, past | node, shared))
        return after

    def _convolve_depthwise(self, row: int, layer: Layer, runs: ChannelRuns) -> ChannelRuns:
        multiplier = layer.shape[0] // layer.groups
        spatial = max(layer.kernel) > 1
        nodes: dict[tuple[int, int], int] = {}
        widths: dict[tuple[int, int], int] = {}
        for run in runs:
            widths[run[1:]] = widths.get(run[1:], 0) + run.length
        for history, width in widths.items():
            macs = layer.macs * width // layer.groups
            nodes[history] = self._node(row, macs, history[0], spatial, False)
        return [
            ChannelRun(run.length * multiplier, run.past | nodes[run[1:]], run.shared)
            for run in runs
        ]

    def _node(self, row: int, macs: int, past: int, spatial: bool, mixing: bool) -> int:
        bit = 1 << len(self.nodes)
        self.nodes.append(Node(row, macs, past))
        self.columns.append(1)
        self._spatial |= bit * spatial
        self._mixing |= bit * mixing
        return bit

    def _combine(self, row: int, inputs: list[ChannelRuns]) -> ChannelRuns:
        """Combine inputs element by element; an input of one channel is broadcast to all."""
        channels = max(map(_length, inputs))
        spread = [_spread(runs, channels) for runs in inputs]
        after = []
        for length, parts in _aligned(spread):
            after.append(ChannelRun(length, *self._meet(row, parts)))
        return after

    def _meet(self, row: int, runs: ChannelRuns) -> History:
        """Merge histories, and record an interaction if two of them are columns."""
        if len(runs) == 1:
            return runs[0].past, runs[0].shared
        histories = {run[1:] for run in runs}
        if len(histories) == 1:
            return histories.pop()
        past = shared = 0
        for history in histories:
            past |= history[0]
            shared |= history[1]
        if not any(self._are_columns(*pair) for pair in combinations(histories, 2)):
            return past, shared
        if self.interactions[-1:] != [row]:
            self.interactions.append(row)
        return past, past

    def _are_columns(self, one: History, other: History) -> bool:
        """Whether each of two histories is a column apart from what they have in common."""
        return self._is_column(one[0] & ~one[1] & ~other[0]) and self._is_column(
            other[0] & ~other[1] & ~one[0]
        )

    def _is_column(self, own: int) -> bool:
        """Whether a spatial node among `own` works on what one of them has mixed."""
        mixing = own & self._mixing
        if mixing & self._spatial:
            return True
        spatial = _bits(own & self._spatial) if mixing else ()
        return any(self.nodes[node].past & mixing for node in spatial)

    def _count_columns(self, inputs: Iterable[ChannelRuns]) -> None:
        """Record, for the nodes of all columns among the inputs, how many columns meet."""
        histories = {run[1:] for runs in inputs for run in runs}
        columns: list[History] = []
        for history in sorted(histories, key=lambda h: (-(h[0] & ~h[1]).bit_count(), h)):
            if all(self._are_columns(history, column) for column in columns):
                columns.append(history)
        if len(columns) < 2:
            return
        common = columns[0][0]
        for past, _ in columns:
            common &= past
        for past, shared in columns:
            for node in _bits(past & ~shared & ~common):
                self.columns[node] = max(self.columns[node], len(columns))


def _bits(nodes: int) -> Iterator[int]:
    while nodes:
        lowest = nodes & -nodes
        yield lowest.bit_length() - 1
        nodes ^= lowest


def _length(runs: ChannelRuns) -> int:
    return sum(run.length for run in runs)


def _parts(runs: ChannelRuns, groups: int, width: int) -> Sequence[ChannelRuns]:
    """Split the channels into groups of equal width."""
    if groups == 1:
        return [runs]
    parts: list[list[ChannelRun]] = [[]]
    room = width
    for run in runs:
        left = run.length
        while left >= room:
            parts[-1].append(run)
            parts.append([])
            left, room = left - room, width
        if left:
            parts[-1].append(run)
            room -= left
    return parts[:-1]


def _sliced(runs: ChannelRuns, start: int, stop: int) -> list[ChannelRun]:
    parts, begin = [], 0
    for length, past, shared in runs:
        end = begin + length
        if end > start:
            parts.append(ChannelRun(min(end, stop) - max(begin, start), past, shared))
        if end >= stop:
            break
        begin = end
    return parts


def _routed(route: tuple[tuple[int, int, int], ...], inputs: Sequence[ChannelRuns]) -> ChannelRuns:
    if len(route) > _FEW:
        return _shuffled(route, inputs)
    parts: list[ChannelRun] = []
    for position, start, stop in route:
        found = [ChannelRun(stop - start, 0, 0)]
        parts += found if position < 0 else _sliced(inputs[position], start, stop)
    return parts


_FEW = 16


def _shuffled(
    route: tuple[tuple[int, int, int], ...], inputs: Sequence[ChannelRuns]
) -> ChannelRuns:
    """Follow many short runs, channel by channel."""
    histories = [[run[1:] for run in runs for _ in range(run.length)] for runs in inputs]
    channels: list[History] = []
    for position, start, stop in route:
        channels += [(0, 0)] * (stop - start) if position < 0 else histories[position][start:stop]
    return [ChannelRun(len(list(same)), *history) for history, same in groupby(channels)]


def _spread(runs: ChannelRuns, channels: int) -> ChannelRuns:
    """Return runs of `channels` in total; a single channel is broadcast to all."""
    if _length(runs) == channels:
        return runs
    past = shared = 0
    for run in runs:
        past |= run.past
        shared |= run.shared
    return [ChannelRun(channels, past, shared)]


def _aligned(inputs: Sequence[ChannelRuns]) -> Iterator[tuple[int, list[ChannelRun]]]:
    """Split several lists of runs of equal total length at every end of a run."""
    lengths = [[run.length for run in runs] for runs in inputs]
    if all(one == lengths[0] for one in lengths):
        yield from zip(lengths[0], map(list, zip(*inputs, strict=True)), strict=True)
        return
    start = 0
    for end in sorted({end for one in lengths for end in accumulate(one)}):
        yield end - start, [_sliced(runs, start, end)[0] for runs in inputs]
        start = end
