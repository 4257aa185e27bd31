"""AttendNeXt: a columnar network with double-condensing attention condensers (DC-AC).

Wong et al., *Faster Attention Is What You Need*, arXiv 2208.06980. `make(spec)` builds the
network that a plain specification describes; this file imports torch only. In a specification
columns stand in bundles of equal ones: `columns`, `kernels`, `inputs`, `inner` and `outputs` of a
block are lists with an entry for each bundle, channels being those of the whole bundle.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from math import gcd
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.antialias import REDUCERS
from search_spaces.condensers import GATES, condenser

Block = Mapping[str, Any]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,
}


def named(**parts: nn.Module | None) -> nn.Sequential:
    """Chain the parts that there are, under their names."""
    return nn.Sequential(OrderedDict((k, part) for k, part in parts.items() if part is not None))


class ParallelConv(nn.Module):
    """Bundles of columns that differ, each through a convolution of its own.

    `(N, sum(inputs), H, W) -> (N, sum(outputs), H', W')`, in the order of the bundles.
    """

    def __init__(self, inputs: Sequence[int], convs: Sequence[nn.Conv2d]) -> None:
        super().__init__()
        self.inputs = list(inputs)
        self.bundles = nn.ModuleList(convs)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve each bundle."""
        parts = torch.split(x, self.inputs, dim=1)
        return torch.cat(
            [conv(part) for conv, part in zip(self.bundles, parts, strict=True)], dim=1
        )


class Shuffle(nn.Module):
    """Deal the channels of each column out to all columns, in turn: an exchange for free."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns = columns

    def forward(self, x: Tensor) -> Tensor:
        """Reorder the channels."""
        return F.channel_shuffle(x, self.columns)


def conv2d(inputs: int, outputs: int, kernel: int, groups: int, stride: int) -> nn.Conv2d:
    """Make a convolution without bias (the norm has one) that pads to keep the map's size."""
    padding = kernel // 2
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)


def column_conv(block: Block, ends: tuple[str, str], pointwise: bool, stride: int) -> nn.Module:
    """Convolve each column by itself: one grouped convolution where all bundles are alike.

    Columns share a group as far as their bundle's input channels cannot be divided among them.
    """
    inputs, outputs = block[ends[0]], block[ends[1]]
    kernels = [1] * len(inputs) if pointwise else block["kernels"]
    groups = [gcd(n, channels) for n, channels in zip(block["columns"], inputs, strict=True)]
    bundles = list(zip(inputs, outputs, kernels, groups, strict=True))
    if all(bundle == bundles[0] for bundle in bundles):
        return conv2d(sum(inputs), sum(outputs), kernels[0], sum(groups), stride)
    return ParallelConv(inputs, [conv2d(*bundle, stride) for bundle in bundles])


def normed(conv: nn.Module, channels: int, activation: str | None) -> nn.Sequential:
    """Follow a convolution by batch normalisation and, where one is named, an activation."""
    act = ACTIVATIONS[activation]() if activation else None
    return named(conv=conv, norm=nn.BatchNorm2d(channels), act=act)


def spatial(
    block: Block, inputs: str, outputs: str, activation: str | None = None, stride: int = 1
) -> nn.Sequential:
    """Convolve k x k, each column by itself, and norm."""
    conv = column_conv(block, (inputs, outputs), False, stride)
    return normed(conv, sum(block[outputs]), activation)


def pointwise(
    block: Block, inputs: str, outputs: str, activation: str | None = None, stride: int = 1
) -> nn.Sequential:
    """1x1 convolution, normed: over all channels where columns mix, else column by column."""
    if block["mixing"]:
        conv: nn.Module = conv2d(sum(block[inputs]), sum(block[outputs]), 1, 1, stride)
    else:
        conv = column_conv(block, (inputs, outputs), True, stride)
    return normed(conv, sum(block[outputs]), activation)


def reducer(down: str | None, channels: int) -> nn.Module | None:
    """Halve the map outside of a convolution, where `down` says so."""
    return REDUCERS[down](channels) if down in REDUCERS else None


def basic_branch(block: Block, activation: str) -> nn.Sequential:
    """Two k x k convolutions: `(N, I, H, W) -> (N, O, H', W')`.

    With equal columns g and width w inside: k^2 w (I + O) / g + 2w + 2O parameters.
    """
    stride = 2 if block["down"] in ("strided_3x3", "strided_1x1") else 1
    return named(
        shuffle=Shuffle(sum(block["columns"])) if block["shuffle"] else None,
        reduce=reducer(block["down"], sum(block["inputs"])),
        first=spatial(block, "inputs", "inner", activation, stride),
        second=spatial(block, "inner", "outputs"),
    )


def bottleneck_branch(block: Block, activation: str) -> nn.Sequential:
    """1x1 in, k x k in columns, 1x1 out: `(N, I, H, W) -> (N, O, H', W')`.

    With equal columns g, width w inside, mixing: I w + k^2 w^2 / g + w O + 4w + 2O parameters.
    """
    stride = 2 if block["down"] in ("strided_3x3", "strided_1x1") else 1
    return named(
        narrow=pointwise(block, "inputs", "inner", activation),
        reduce=reducer(block["down"], sum(block["inner"])),
        spatial=spatial(block, "inner", "inner", activation, stride),
        widen=pointwise(block, "inner", "outputs"),
    )


def projection(block: Block) -> nn.Sequential:
    """Bring the block's input to the form of its output by a 1x1: IO + 2O parameters."""
    average = "rect2" if block["down"] == "strided_3x3" else block["down"]
    stride = 2 if block["down"] == "strided_1x1" else 1
    return named(
        reduce=reducer(average, sum(block["inputs"])),
        project=pointwise(block, "inputs", "outputs", stride=stride),
    )


BRANCHES: dict[str, Callable[[Block, str], nn.Sequential]] = {
    "basic": basic_branch,
    "bottleneck": bottleneck_branch,
}


class Residual(nn.Module):
    """`act(branch(V) + shortcut(V))`: `(N, I, H, W) -> (N, O, H', W')`."""

    def __init__(self, block: Block, activation: str, gate: str) -> None:
        super().__init__()
        self.branch = BRANCHES[block["branch"]](block, activation)
        self.shortcut = projection(block) if block["project"] else nn.Identity()
        self.act = ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        """Add what the branch found."""
        y: Tensor = self.act(self.branch(x) + self.shortcut(x))
        return y


class ReleasedCondenser(nn.Module):
    """DC-AC as the authors' lab released it: `act(gate(attention(V)) * feature(V))`.

    `(N, I, H, W) -> (N, O, H', W')`; both branches condense by the stage's down-sampling, so
    nothing is brought back. Parameters: those of its branch and of the projection.
    """

    def __init__(self, block: Block, activation: str, gate: str) -> None:
        super().__init__()
        self.attention = BRANCHES[block["branch"]](block, activation)
        self.feature = projection(block)
        self.gate = GATES[gate]
        self.act = ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        """Attend."""
        y: Tensor = self.act(self.gate(self.attention(x)) * self.feature(x))
        return y


class TextCondenser(nn.Module):
    """DC-AC in the words of the paper (section 2.1): `V' = F(A, B)`, without a scale.

    `(N, I, H, W) -> (N, O, ceil(H/stride), ceil(W/stride))`. The attention branch embeds the
    condensed V (k x k in columns, 1x1) and expands it (1x1) to A; the feature branch projects
    (1x1) the condensed V to B. Both condense alike, without anything learned, so it is done once;
    so is bringing A and B back, by nearest neighbours, to an output larger than they are.
    With equal columns g, width w inside, mixing: k^2 I w / g + w^2 + wO + IO + 4w + 4O parameters.
    """

    def __init__(self, block: Block, activation: str, gate: str) -> None:
        super().__init__()
        self.condense = condenser(block["pool"], sum(block["inputs"]), block["condense"])
        self.attention = named(
            embed=spatial(block, "inputs", "inner", activation),
            relate=pointwise(block, "inner", "inner", activation),
            expand=pointwise(block, "inner", "outputs"),
        )
        self.feature = pointwise(block, "inputs", "outputs")
        self.gate = GATES[gate]
        self.act = ACTIVATIONS[activation]()
        self.stride = block["stride"]

    def forward(self, x: Tensor) -> Tensor:
        """Attend on a condensed map."""
        condensed = self.condense(x)
        y: Tensor = self.act(self.gate(self.attention(condensed)) * self.feature(condensed))
        size = [-(-extent // self.stride) for extent in x.shape[2:]]
        return y if list(y.shape[2:]) == size else F.interpolate(y, size=size, mode="nearest")


BLOCKS: dict[str, type[nn.Module]] = {
    "residual": Residual,
    "released": ReleasedCondenser,
    "text": TextCondenser,
}


def stem(spec: Block, activation: str) -> nn.Sequential:
    """First layers: `(N, inputs, H, W) -> (N, width, H', W')`, at stride 1, 2 or 4 (pooled)."""
    inputs, width, columns = spec["inputs"], spec["width"], spec["columns"]
    first = conv2d(inputs, width, spec["kernel"], 1, spec["stride"])
    second = conv2d(width, width, spec["kernel"], columns, 1) if columns else None
    return named(
        first=normed(first, width, activation),
        second=normed(second, width, activation) if second else None,
        pool=nn.AvgPool2d(3, stride=2, padding=1) if spec["pool"] else None,
    )


class AttendNeXt(nn.Module):
    """Stem, stages of columnar blocks, global mean, linear head: `(N, C, H, W) -> (N, classes)`."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        super().__init__()
        activation, gate = spec["activation"], spec["gate"]
        self.stem = stem(spec["stem"], activation)
        self.stages = nn.ModuleList(
            nn.Sequential(*(BLOCKS[block["block"]](block, activation, gate) for block in stage))
            for stage in spec["stages"]
        )
        self.head = nn.Linear(sum(spec["stages"][-1][-1]["outputs"]), spec["classes"])

    def forward_features(self, x: Tensor) -> list[Tensor]:
        """Give the output of each stage, finest map first: `(N, C_i, H_i, W_i)` each."""
        maps = [self.stem(x)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[1:]

    def forward(self, x: Tensor) -> Tensor:
        """Classify images: `(N, C, H, W) -> (N, classes)`, logits."""
        logits: Tensor = self.head(self.forward_features(x)[-1].mean(dim=(2, 3)))
        return logits


def make(spec: Mapping[str, Any]) -> nn.Module:
    """Build the network of a specification, with fresh weights."""
    return AttendNeXt(spec)
