"""The search space of AttendNeXt: heterogeneous columnar networks with attention condensers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import ClassVar, Literal

from gensynth.errors import InputError
from gensynth.genome import Decisions
from gensynth.graph.graph import Graph
from gensynth.space import Choose, Replay, Source, Task
from search_spaces.attendnext.genome import (
    COLUMNS,
    CONDENSE,
    KERNELS,
    Activation,
    AttendNeXtGenome,
    AttendNeXtStage,
    Attention,
    Block,
    Branch,
    Down,
    Gate,
    Interaction,
    Mix,
    Place,
    Pool,
    Stem,
)
from search_spaces.attendnext.graph import graph_of
from search_spaces.attendnext.presets import PRESETS
from search_spaces.attendnext.spec import input_size, specify
from search_spaces.options import (
    UnlessAlone,
    check_among,
    check_at_least,
    check_options,
    nearest_in,
)

Start = Literal[
    "prototype",
    "tiny",
    "fast",
    "plain",
    "pyramid",
    "cifar10",
    "cifar10_large",
    "xa325",
    "ref659",
]


@dataclass(frozen=True)
class AttendNeXt:
    """Columnar networks. Each field lists the options of a decision.

    A decision with a single option is not asked. No map becomes smaller than `smallest_map`, as
    further strides are left out, so every genome has a network for images of any size.
    """

    genome_type: ClassVar[type[AttendNeXtGenome]] = AttendNeXtGenome
    version: ClassVar[int] = 1

    stages: tuple[int, ...] = (1, 2, 3, 4)
    resolutions: tuple[float, ...] = (1.0, 0.75, 0.5)
    """Height and width of the input, as a share of the task's; at least 8 pixels."""
    activations: tuple[Activation, ...] = ("relu", "silu", "hardswish")
    gates: tuple[Gate, ...] = ("sigmoid", "softmax_c", "softmax")
    stem_widths: tuple[int, ...] = (4, 6, 8, 12, 16, 24, 32)
    stem_convs: tuple[int, ...] = (1, 2)
    """Convolutions of the stem; a second one has as many columns as the first stage."""
    stem_strides: tuple[int, ...] = (1, 2, 4)
    """2 = the first convolution strides; 4 = and a 3x3 average pooling follows."""
    columns: tuple[int, ...] = (1, 2, 4, 8)
    widths: tuple[int, ...] = (2, 3, 4, 5, 6, 8, 10, 12, 16, 21, 24, 32, 44, 48, 64, 80, 93, 96)
    """Channels per column; the output of a bottleneck stage is twice as wide."""
    depths: tuple[int, ...] = (1, 2, 3, 4, 5, 7, 10, 11)
    branches: tuple[Branch, ...] = ("basic", "bottleneck")
    interactions: tuple[Interaction, ...] = ("none", "entry", "every")
    """Where columns exchange features: nowhere, in a stage's first block, or in every block."""
    mixes: tuple[Mix, ...] = ("same", "kernels", "widths")
    """All columns alike, half of them with kernels larger by 2, or half narrow and half wide."""
    attentions: tuple[Attention, ...] = ("none", "text", "released")
    """DC-AC as described in the paper or as released; also `ac`, `vac` and `se`, after a branch."""
    places: tuple[Place, ...] = ("first", "every", "last")
    """The blocks of a stage that attend."""
    condense: tuple[int, ...] = (1, 2, 4)
    pools: tuple[Pool, ...] = ("max_blur", "average", "blur")
    strides: tuple[int, ...] = (1, 2)
    downs: tuple[Down, ...] = ("rect2", "tri3", "bin5", "max", "strided_3x3", "strided_1x1")
    kernels: tuple[int, ...] = (3, 5)
    inners: tuple[float, ...] = (0.5, 1.0, 2.0)
    """Inner channels of a block, as a multiple of the width of the column."""
    distinct_blocks: int = 3
    """Blocks of a stage with decisions of their own; later blocks repeat the last of them."""
    smallest_map: int = 2
    """Least pixels per side of a map after a stride or a condenser."""
    prototype: Start = "prototype"
    """Preset where a generator starts, with the nearest options of these lists."""

    def __post_init__(self) -> None:
        singles = ("distinct_blocks", "smallest_map", "prototype")
        check_options(
            {f.name: getattr(self, f.name) for f in fields(self) if f.name not in singles}
        )
        for name, known in _BUILDABLE.items():
            check_among(name, getattr(self, name), known)
        for name, least in _LEAST.items():
            check_at_least(name, getattr(self, name), least)

    @property
    def presets(self) -> Mapping[str, Decisions]:
        """Named networks of this space; those that its lists do not allow are left out."""
        everything = _whole_space()
        fitting = {
            name: decisions
            for name, decisions in PRESETS.items()
            if self._takes(decisions, everything.sample(Replay(decisions)))
        }
        return fitting | {"prototype": nearest_in(self, PRESETS[self.prototype])}

    def sample(self, choose: Choose) -> AttendNeXtGenome:
        """Build a genome from the answers of `choose`: about 35 decisions for a small network."""
        ask = UnlessAlone(choose)
        count = ask("stages", self.stages)
        resolution = ask("resolution", self.resolutions)
        activation = ask("activation", self.activations)
        stem = Stem(
            width=ask("stem.width", self.stem_widths),
            kernel=ask("stem.kernel", self.kernels),
            convs=ask("stem.convs", self.stem_convs),
            stride=ask("stem.stride", self.stem_strides),
        )
        stages = tuple(self._stage(ask, f"stage{i + 1}") for i in range(count))
        gated = any(stage.attention != "none" for stage in stages)
        gate = ask("gate", self.gates) if gated else "sigmoid"
        return AttendNeXtGenome(resolution, activation, gate, stem, stages)

    def source(self, genome: AttendNeXtGenome, task: Task) -> Source:
        """Return how to build the network of `genome` for `task`."""
        spec = specify(genome, task, self.smallest_map)
        shape = (task.channels, *input_size(genome, task))
        return Source("search_spaces.attendnext.blocks", spec, shape)

    def graph(self, genome: AttendNeXtGenome, task: Task) -> Graph:
        """Return the graph that tracing the network would return, without building the network."""
        source = self.source(genome, task)
        return graph_of(source.spec, source.input_shape)

    def _stage(self, ask: Choose, name: str) -> AttendNeXtStage:
        columns = ask(f"{name}.columns", self.columns)
        several = columns > 1
        width = ask(f"{name}.width", self.widths)
        depth = ask(f"{name}.depth", self.depths)
        branch = ask(f"{name}.branch", self.branches)
        interaction = ask(f"{name}.interaction", self.interactions) if several else "none"
        mix = ask(f"{name}.mix", self.mixes) if several else "same"
        stride = ask(f"{name}.stride", self.strides)
        attention = ask(f"{name}.attention", self.attentions)
        gated = attention != "none"
        place = ask(f"{name}.place", self.places) if gated and depth > 1 else "first"
        at_entry = attention == "text" and place != "last"
        condenses = attention in ("text", "ac", "vac")
        condense = ask(f"{name}.condense", self.condense) if condenses else 1
        shrinks = condense > 1 or (at_entry and stride > 1)
        pool = ask(f"{name}.pool", self.pools) if shrinks else "max_blur"
        down = ask(f"{name}.down", self.downs) if stride > 1 and not at_entry else "rect2"
        return AttendNeXtStage(
            columns=columns,
            width=width,
            branch=branch,
            blocks=self._blocks(ask, name, depth),
            interaction=interaction,
            mix=mix,
            attention=attention,
            place=place,
            condense=condense,
            pool=pool,
            stride=stride,
            down=down,
        )

    def _blocks(self, ask: Choose, name: str, depth: int) -> tuple[Block, ...]:
        distinct = tuple(
            Block(
                kernel=ask(f"{name}.block{k + 1}.kernel", self.kernels),
                inner=ask(f"{name}.block{k + 1}.inner", self.inners),
            )
            for k in range(min(depth, self.distinct_blocks))
        )
        return distinct + distinct[-1:] * (depth - len(distinct))

    def _takes(self, decisions: Decisions, genome: AttendNeXtGenome) -> bool:
        try:
            return self.sample(Replay(decisions)) == genome
        except InputError:
            return False


_BUILDABLE: Mapping[str, Sequence[object]] = {
    "stages": range(1, 9),
    "stem_convs": (1, 2),
    "stem_strides": (1, 2, 4),
    "columns": COLUMNS,
    "condense": CONDENSE,
    "strides": (1, 2),
    "kernels": KERNELS,
}
_LEAST: Mapping[str, float] = {
    "resolutions": 0.01,
    "stem_widths": 2,
    "widths": 2,
    "depths": 1,
    "inners": 0.01,
    "distinct_blocks": 1,
    "smallest_map": 2,
}


@cache
def _whole_space() -> AttendNeXt:
    return AttendNeXt()
