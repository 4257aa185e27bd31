"""A space of trivial networks, for benchmarks of the machinery around a training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from gensynth.genome import Decisions
from gensynth.space import Choose, Source, Task

BASE = 64


@dataclass(frozen=True)
class TinyGenome:
    """The width of the hidden layer."""

    hidden: int


@dataclass(frozen=True)
class TinySpace:
    """4,096 networks that all compute different functions."""

    genome_type: ClassVar[type[TinyGenome]] = TinyGenome
    version: ClassVar[int] = 1
    presets: ClassVar[Mapping[str, Decisions]] = {}

    def sample(self, choose: Choose) -> TinyGenome:
        """Decide the width by its two digits."""
        digits = tuple(range(BASE))
        return TinyGenome(1 + BASE * choose("high", digits) + choose("low", digits))

    def source(self, genome: TinyGenome, task: Task) -> Source:
        """Return the source of a network, which needs only torch."""
        inputs = task.channels * task.height * task.width
        spec = {"inputs": inputs, "hidden": genome.hidden, "classes": task.classes}
        source = "experiments.benchmarks.tiny_blocks"
        return Source(source, spec, (task.channels, task.height, task.width))
