"""The graph of an AttendNeXt network from its specification, without building the network.

It follows `blocks` operator by operator; a test compares it with a trace.
"""

from collections.abc import Mapping, Sequence
from math import gcd
from typing import Any

from gensynth.graph.graph import Graph
from search_spaces.attendnext.spec import Spec
from search_spaces.rows import Rows


def graph_of(spec: Mapping[str, Any], input_shape: tuple[int, int, int]) -> Graph:
    """Return the graph of the network that `make(spec)` builds, for images of (C, H, W)."""
    rows = Rows(input_shape)
    mirror = _Mirror(rows, spec["activation"], spec["gate"])
    row = mirror.stem(spec["stem"])
    for i, stage in enumerate(spec["stages"]):
        for k, block in enumerate(stage):
            row = mirror.block(row, block, f"stages.{i}.{k}")
    rows.head(row, spec["classes"])
    return Graph(tuple(rows.layers))


class _Mirror:
    """Appends the layers of each part of a network, in the order in which they run."""

    def __init__(self, rows: Rows, activation: str, gate: str) -> None:
        self.rows = rows
        self.activation = activation
        self.gate = gate

    def stem(self, stem: Spec) -> int:
        width, kernel = stem["width"], stem["kernel"]
        row = self.rows.conv(0, width, kernel, 1, stem["stride"], "stem.first.conv")
        row = self._normed(row, "stem.first", True)
        if stem["columns"]:
            row = self.rows.conv(row, width, kernel, stem["columns"], 1, "stem.second.conv")
            row = self._normed(row, "stem.second", True)
        return self.rows.pool("avg", row, 3, 2, "stem.pool") if stem["pool"] else row

    def block(self, row: int, block: Spec, name: str) -> int:
        form = {"text": self._text, "released": self._released, "residual": self._residual}
        return form[block["block"]](row, block, name)

    def _residual(self, row: int, block: Spec, name: str) -> int:
        branch = self._branch(row, block, f"{name}.branch")
        if block["attend"]:
            form = block["attend"], block["condense"], block["pool"], self.gate, self.activation
            branch = self.rows.attend(branch, *form, f"{name}.branch.attend")
        shortcut = self._projection(row, block, f"{name}.shortcut") if block["project"] else row
        return self._active(self.rows.combine("add", (branch, shortcut), name), name)

    def _released(self, row: int, block: Spec, name: str) -> int:
        attention = self._branch(row, block, f"{name}.attention")
        attention = self.rows.gate(attention, self.gate, name)
        feature = self._projection(row, block, f"{name}.feature")
        return self._active(self.rows.combine("mul", (attention, feature), name), name)

    def _text(self, row: int, block: Spec, name: str) -> int:
        _, *extents = self.rows.shape(row)
        height, width = (-(-extent // block["stride"]) for extent in extents)
        row = self.rows.condense(row, block["pool"], block["condense"], f"{name}.condense")
        part = f"{name}.attention"
        embedded = self._spatial(row, block, ("inputs", "inner"), f"{part}.embed", True)
        embedded = self._pointwise(embedded, block, ("inner", "inner"), f"{part}.relate", True)
        attention = self._pointwise(embedded, block, ("inner", "outputs"), f"{part}.expand")
        attention = self.rows.gate(attention, self.gate, name)
        feature = self._pointwise(row, block, ("inputs", "outputs"), f"{name}.feature")
        row = self._active(self.rows.combine("mul", (attention, feature), name), name)
        return self.rows.resize(row, (height, width), name)

    def _branch(self, row: int, block: Spec, name: str) -> int:
        stride = 2 if block["down"] in ("strided_3x3", "strided_1x1") else 1
        if block["branch"] == "basic":
            if block["shuffle"]:
                row = self.rows.shuffle(row, sum(block["columns"]), f"{name}.shuffle")
            row = self.rows.reduce(row, block["down"], f"{name}.reduce")
            row = self._spatial(row, block, ("inputs", "inner"), f"{name}.first", True, stride)
            return self._spatial(row, block, ("inner", "outputs"), f"{name}.second")
        row = self._pointwise(row, block, ("inputs", "inner"), f"{name}.narrow", True)
        row = self.rows.reduce(row, block["down"], f"{name}.reduce")
        row = self._spatial(row, block, ("inner", "inner"), f"{name}.spatial", True, stride)
        return self._pointwise(row, block, ("inner", "outputs"), f"{name}.widen")

    def _projection(self, row: int, block: Spec, name: str) -> int:
        average = "rect2" if block["down"] == "strided_3x3" else block["down"]
        stride = 2 if block["down"] == "strided_1x1" else 1
        row = self.rows.reduce(row, average, f"{name}.reduce")
        ends = ("inputs", "outputs")
        return self._pointwise(row, block, ends, f"{name}.project", stride=stride)

    def _spatial(
        self,
        row: int,
        block: Spec,
        ends: tuple[str, str],
        name: str,
        active: bool = False,
        stride: int = 1,
    ) -> int:
        row = self._in_columns(row, block, ends, block["kernels"], stride, f"{name}.conv")
        return self._normed(row, name, active)

    def _pointwise(
        self,
        row: int,
        block: Spec,
        ends: tuple[str, str],
        name: str,
        active: bool = False,
        stride: int = 1,
    ) -> int:
        if block["mixing"]:
            row = self.rows.conv(row, sum(block[ends[1]]), 1, 1, stride, f"{name}.conv")
        else:
            kernels = [1] * len(block["columns"])
            row = self._in_columns(row, block, ends, kernels, stride, f"{name}.conv")
        return self._normed(row, name, active)

    def _in_columns(
        self,
        row: int,
        block: Spec,
        ends: tuple[str, str],
        kernels: Sequence[int],
        stride: int,
        name: str,
    ) -> int:
        inputs, outputs = block[ends[0]], block[ends[1]]
        groups = [gcd(n, channels) for n, channels in zip(block["columns"], inputs, strict=True)]
        bundles = list(zip(inputs, outputs, kernels, groups, strict=True))
        if all(bundle == bundles[0] for bundle in bundles):
            return self.rows.conv(row, sum(outputs), kernels[0], sum(groups), stride, name)
        parts = self.rows.split(row, inputs, name)
        for i, (_, out, kernel, group) in enumerate(bundles):
            bundle = f"{name}.bundles.{i}"
            parts[i] = self.rows.conv(parts[i], out, kernel, group, stride, bundle)
        return self.rows.join(parts, name)

    def _normed(self, row: int, name: str, active: bool) -> int:
        row = self.rows.norm(row, f"{name}.norm")
        return self._active(row, name) if active else row

    def _active(self, row: int, name: str) -> int:
        return self.rows.activation(row, self.activation, f"{name}.act")
