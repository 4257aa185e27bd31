"""The genome of AttendNet, and its specification and its graph for a task."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gensynth.graph.graph import Graph
from gensynth.space import Task
from search_spaces.options import check_among, check_at_least
from search_spaces.rows import Rows
from search_spaces.sizes import halve

Gate = Literal["sigmoid", "hard_sigmoid"]
Attention = Literal["none", "ac", "vac", "se"]
Pool = Literal["max_blur", "average", "blur"]
Down = Literal["none", "rect2", "tri3", "bin5", "max"]
KERNELS = (3, 5, 7, 9, 11)
CONDENSE = (1, 2, 4, 8)
SMALLEST_MAP = 2
"""Least pixels per side of a map after a stride or a condenser."""


@dataclass(frozen=True)
class AttendNetStage:
    """Blocks on maps of one size; a field that does not apply has its default."""

    width: int
    depth: int
    kernel: int
    down: Down
    attention: Attention
    condense: int = 1
    pool: Pool = "max_blur"

    def __post_init__(self) -> None:
        check_at_least("width", self.width, 2)
        check_at_least("depth", self.depth, 1)
        check_among("kernel", (self.kernel,), KERNELS)
        check_among("condense", (self.condense,), CONDENSE)


@dataclass(frozen=True)
class AttendNetGenome:
    """One network of the space."""

    stem_width: int
    stem_stride: int
    gate: Gate
    stages: tuple[AttendNetStage, ...]

    def __post_init__(self) -> None:
        check_at_least("stem_width", self.stem_width, 1)
        check_among("stem_stride", (self.stem_stride,), (1, 2))
        check_at_least("stages", len(self.stages), 1)


def specify(genome: AttendNetGenome, task: Task) -> dict[str, Any]:
    """Return the specification of the network of `genome` for `task`, for `attendnet_blocks`."""
    size, stride = halve((task.height, task.width), 1, genome.stem_stride, SMALLEST_MAP)
    inputs = genome.stem_width
    stem = {"inputs": task.channels, "width": inputs, "kernel": 3, "stride": stride}
    stages = []
    for stage in genome.stages:
        size, shrunk = halve(size, 1, 1 if stage.down == "none" else 2, SMALLEST_MAP)
        _, condense = halve(size, 1, stage.condense, SMALLEST_MAP)
        block = {
            "outputs": stage.width,
            "kernel": stage.kernel,
            "attend": None if stage.attention == "none" else stage.attention,
            "condense": condense,
            "pool": stage.pool,
        }
        entry = {"inputs": inputs, "down": stage.down if shrunk == 2 else None, "residual": False}
        later = {"inputs": stage.width, "down": None, "residual": True}
        stages.append([(later if k else entry) | block for k in range(stage.depth)])
        inputs = stage.width
    return {"gate": genome.gate, "stem": stem, "stages": stages, "classes": task.classes}


def graph_of(spec: Mapping[str, Any], input_shape: tuple[int, int, int]) -> Graph:
    """Return the graph of the network that `make(spec)` builds, for images of (C, H, W)."""
    rows, stem = Rows(input_shape), spec["stem"]
    row = rows.conv(0, stem["width"], stem["kernel"], 1, stem["stride"], "stem.conv")
    row = rows.activation(rows.norm(row, "stem.norm"), "relu6", "stem.act")
    for i, stage in enumerate(spec["stages"]):
        for k, block in enumerate(stage):
            row = _block(rows, row, block, spec["gate"], f"stages.{i}.{k}")
    rows.head(row, spec["classes"])
    return Graph(tuple(rows.layers))


def _block(rows: Rows, start: int, block: Mapping[str, Any], gate: str, name: str) -> int:
    """Append the layers of `attendnet_blocks.SeparableBlock`."""
    inputs, part = block["inputs"], f"{name}.layers"
    row = rows.reduce(start, block["down"], f"{part}.reduce")
    row = rows.conv(row, inputs, block["kernel"], inputs, 1, f"{part}.spatial.conv")
    row = rows.norm(row, f"{part}.spatial.norm")
    row = rows.activation(row, "relu6", f"{part}.spatial.act")
    row = rows.conv(row, block["outputs"], 1, 1, 1, f"{part}.mix.conv")
    row = rows.norm(row, f"{part}.mix.norm")
    if block["attend"]:
        form = block["attend"], block["condense"], block["pool"], gate, "relu6"
        row = rows.attend(row, *form, f"{part}.attend")
    return rows.combine("add", (start, row), name) if block["residual"] else row
