"""The search space of AttendNet: tiny classifiers of separable blocks with attention condensers."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

from gensynth.genome import Decision, Decisions
from gensynth.graph.graph import Graph
from gensynth.space import Choose, Source, Task
from search_spaces.attendnet_spec import (
    CONDENSE,
    KERNELS,
    AttendNetGenome,
    AttendNetStage,
    Attention,
    Down,
    Gate,
    Pool,
    graph_of,
    specify,
)
from search_spaces.options import (
    UnlessAlone,
    check_among,
    check_at_least,
    check_options,
    nearest_in,
)


@dataclass(frozen=True)
class AttendNet:
    """Separable blocks with attention. Each field lists the options of a decision.

    A decision with a single option is not asked. No map becomes smaller than 2 x 2, so every genome
    has a network for images of any size.
    """

    genome_type: ClassVar[type[AttendNetGenome]] = AttendNetGenome
    version: ClassVar[int] = 1

    stages: tuple[int, ...] = (1, 2, 3, 4)
    stem_widths: tuple[int, ...] = (4, 8, 16, 24)
    stem_strides: tuple[int, ...] = (1, 2)
    widths: tuple[int, ...] = (8, 12, 16, 24, 32, 48, 64, 96)
    depths: tuple[int, ...] = (1, 2, 3)
    kernels: tuple[int, ...] = (3, 5)
    downs: tuple[Down, ...] = ("none", "rect2", "tri3", "bin5", "max")
    attentions: tuple[Attention, ...] = ("none", "ac", "vac", "se")
    condense: tuple[int, ...] = (1, 2, 4)
    pools: tuple[Pool, ...] = ("max_blur", "average", "blur")
    gates: tuple[Gate, ...] = ("hard_sigmoid", "sigmoid")

    def __post_init__(self) -> None:
        check_options({field.name: getattr(self, field.name) for field in fields(self)})
        check_among("stages", self.stages, range(1, 9))
        check_among("stem_strides", self.stem_strides, (1, 2))
        check_among("kernels", self.kernels, KERNELS)
        check_among("condense", self.condense, CONDENSE)
        check_at_least("stem_widths", self.stem_widths, 1)
        check_at_least("widths", self.widths, 2)
        check_at_least("depths", self.depths, 1)

    @property
    def presets(self) -> Mapping[str, Decisions]:
        """The `prototype`: three stages of VAC blocks, by the nearest options of this space."""
        return {"prototype": nearest_in(self, _PROTOTYPE)}

    def sample(self, choose: Choose) -> AttendNetGenome:
        """Build a genome from the answers of `choose`."""
        ask = UnlessAlone(choose)
        count = ask("stages", self.stages)
        width = ask("stem.width", self.stem_widths)
        stride = ask("stem.stride", self.stem_strides)
        stages = tuple(self._stage(ask, f"stage{i + 1}") for i in range(count))
        gated = any(stage.attention != "none" for stage in stages)
        return AttendNetGenome(
            width, stride, ask("gate", self.gates) if gated else "sigmoid", stages
        )

    def source(self, genome: AttendNetGenome, task: Task) -> Source:
        """Return how to build the network of `genome` for `task`."""
        shape = (task.channels, task.height, task.width)
        return Source("search_spaces.attendnet_blocks", specify(genome, task), shape)

    def graph(self, genome: AttendNetGenome, task: Task) -> Graph:
        """Return the graph that tracing the network would return, without building the network."""
        return graph_of(specify(genome, task), (task.channels, task.height, task.width))

    def _stage(self, ask: Choose, name: str) -> AttendNetStage:
        width = ask(f"{name}.width", self.widths)
        depth = ask(f"{name}.depth", self.depths)
        kernel = ask(f"{name}.kernel", self.kernels)
        down = ask(f"{name}.down", self.downs)
        attention = ask(f"{name}.attention", self.attentions)
        condenses = attention in ("ac", "vac")
        condense = ask(f"{name}.condense", self.condense) if condenses else 1
        pool = ask(f"{name}.pool", self.pools) if condense > 1 else "max_blur"
        return AttendNetStage(width, depth, kernel, down, attention, condense, pool)


_VAC: Decisions = {"depth": 2, "kernel": 3, "attention": "vac", "condense": 2, "pool": "max_blur"}
_PROTOTYPE: dict[str, Decision] = {
    "stages": 3,
    "stem.width": 16,
    "stem.stride": 2,
    "gate": "hard_sigmoid",
    **{f"stage{i}.{name}": option for i in (1, 2, 3) for name, option in _VAC.items()},
    **{f"stage{i}.width": width for i, width in ((1, 16), (2, 32), (3, 64))},
    **{f"stage{i}.down": down for i, down in ((1, "none"), (2, "tri3"), (3, "tri3"))},
}
