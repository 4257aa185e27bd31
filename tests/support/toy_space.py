"""A small search space as a stranger would write one: no direct graph, a conditional decision."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from gensynth.genome import Decisions
from gensynth.space import Choose, Source, Task


@dataclass(frozen=True)
class ToyGenome:
    width: int
    depth: int
    stride: int


@dataclass(frozen=True)
class ToySpace:
    widths: tuple[int, ...] = (2, 4, 6, 8, 12, 16)

    genome_type: ClassVar[type[ToyGenome]] = ToyGenome
    version: ClassVar[int] = 1
    presets: ClassVar[Mapping[str, Decisions]] = {
        "prototype": {"width": 8, "depth": 2, "stride.2": 1},
        "smallest": {"width": 2, "depth": 1, "stride.1": 2},
    }

    def sample(self, choose: Choose) -> ToyGenome:
        width = choose("width", self.widths)
        depth = choose("depth", (1, 2, 3))
        stride = choose(f"stride.{depth}", (1, 2)) if depth < 3 else 1
        return ToyGenome(width, depth, stride)

    def source(self, genome: ToyGenome, task: Task) -> Source:
        spec = {
            "channels": task.channels,
            "width": genome.width,
            "depth": genome.depth,
            "stride": genome.stride,
            "classes": task.classes,
        }
        return Source("tests.support.toy_blocks", spec, (task.channels, task.height, task.width))
