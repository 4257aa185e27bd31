"""The genome of AttendNeXt: what one network of the space is, before it meets a task."""

from dataclasses import dataclass
from typing import Literal

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
    """First layers: one or two convolutions, at stride 1, 2 or 4."""

    width: int
    kernel: int
    convs: int
    stride: int


@dataclass(frozen=True)
class Block:
    """What a block decides for itself."""

    kernel: int
    inner: float
    """Channels inside, as a multiple of the column's width."""


@dataclass(frozen=True)
class Stage:
    """Blocks on maps of one size; what does not apply holds its first value."""

    columns: int
    width: int
    """Channels of one column."""
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


@dataclass(frozen=True)
class Genome:
    """One network of the space."""

    resolution: float
    activation: Activation
    gate: Gate
    stem: Stem
    stages: tuple[Stage, ...]
