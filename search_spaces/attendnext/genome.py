"""The genome of AttendNeXt: one network of the space, independent of a task."""

from dataclasses import dataclass
from typing import Literal

from search_spaces.options import check_among, check_at_least

KERNELS = (3, 5, 7, 9, 11)
CONDENSE = (1, 2, 4, 8)
COLUMNS = (1, 2, 4, 8, 16)
Activation = Literal["relu", "silu", "hardswish", "relu6"]
Gate = Literal["sigmoid", "hard_sigmoid", "softmax_c", "softmax"]
Branch = Literal["basic", "bottleneck"]
Interaction = Literal["none", "entry", "every"]
Mix = Literal["same", "kernels", "widths"]
Attention = Literal["none", "text", "released", "ac", "vac", "se"]
Place = Literal["first", "every", "last"]
Pool = Literal["max_blur", "average", "blur"]
Down = Literal["rect2", "tri3", "bin5", "max", "strided_3x3", "strided_1x1"]


@dataclass(frozen=True)
class Stem:
    """The first layers: one or two convolutions, with a total stride of 1, 2 or 4."""

    width: int
    kernel: int
    convs: int
    stride: int

    def __post_init__(self) -> None:
        check_at_least("width", self.width, 2)
        check_among("kernel", (self.kernel,), KERNELS)
        check_among("convs", (self.convs,), (1, 2))
        check_among("stride", (self.stride,), (1, 2, 4))


@dataclass(frozen=True)
class Block:
    """The decisions of a single block."""

    kernel: int
    inner: float
    """Inner channels, as a multiple of the width of the column."""

    def __post_init__(self) -> None:
        check_among("kernel", (self.kernel,), KERNELS)
        check_at_least("inner", self.inner, 0.01)


@dataclass(frozen=True)
class AttendNeXtStage:
    """Blocks on maps of one size; a field that does not apply has its default."""

    columns: int
    width: int
    """Channels per column."""
    branch: Branch
    blocks: tuple[Block, ...]
    interaction: Interaction = "none"
    mix: Mix = "same"
    attention: Attention = "none"
    place: Place = "first"
    condense: int = 1
    pool: Pool = "max_blur"
    stride: int = 1
    down: Down = "rect2"

    def __post_init__(self) -> None:
        check_among("columns", (self.columns,), COLUMNS if self.mix == "same" else COLUMNS[1:])
        check_at_least("width", self.width, 2)
        check_at_least("blocks", len(self.blocks), 1)
        check_among("condense", (self.condense,), CONDENSE)
        check_among("stride", (self.stride,), (1, 2))


@dataclass(frozen=True)
class AttendNeXtGenome:
    """One network of the space."""

    resolution: float
    activation: Activation
    gate: Gate
    stem: Stem
    stages: tuple[AttendNeXtStage, ...]

    def __post_init__(self) -> None:
        check_at_least("resolution", self.resolution, 0.01)
        check_at_least("stages", len(self.stages), 1)
