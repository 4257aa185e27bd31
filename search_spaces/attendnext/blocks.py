"""AttendNeXt: a columnar network with double-condensing attention condensers (DC-AC).

Wong et al., *Faster Attention Is What You Need*, arXiv 2208.06980. `make(spec)` builds the
network that a plain specification describes; this file imports torch only. In a specification
columns stand in bundles of equal ones: `columns`, `kernels`, `inputs`, `inner` and `outputs` of a
block are lists with an entry for each bundle, channels being those of the whole bundle.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from torch import Tensor, nn

from search_spaces.antialias import REDUCERS
from search_spaces.backbone import Backbone, feature_info
from search_spaces.columns import Block, Shuffle, pointwise, spatial
from search_spaces.condensers import ATTENTIONS, GATES, bring_back, condenser
from search_spaces.layers import ACTIVATIONS, conv2d, named, normed


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
    """`act(branch(V) + shortcut(V))`: `(N, I, H, W) -> (N, O, H', W')`.

    Where an attention condenser is named, it is the last layer of the branch.
    """

    def __init__(self, block: Block, activation: str, gate: str) -> None:
        super().__init__()
        self.branch = BRANCHES[block["branch"]](block, activation)
        if block["attend"]:
            attend = ATTENTIONS[block["attend"]]
            sizes = sum(block["outputs"]), block["condense"], block["pool"]
            self.branch.add_module("attend", attend(*sizes, gate, activation))
        self.shortcut = projection(block) if block["project"] else nn.Identity()
        self.act = ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        """Add what the branch found."""
        y: Tensor = self.act(self.branch(x) + self.shortcut(x))
        return y


class ReleasedCondenser(nn.Module):
    """DC-AC as the authors' lab released it: `act(gate(attention(V)) * feature(V))`.

    `(N, I, H, W) -> (N, O, H', W')`; both branches condense by the stage's down-sampling, so
    nothing is brought back: H' = ceil(H/2) where there is one, else H. With k x k convolutions in
    g equal columns and width w inside, mixing:
    basic: k^2 w (I + O) / g + IO + 2w + 4O parameters, H'W' (k^2 w (I + O) / g + IO) MACs;
    bottleneck: Iw + k^2 w^2 / g + wO + IO + 4w + 4O parameters,
    HW Iw + H'W' (k^2 w^2 / g + wO + IO) MACs;
    and, where Tri-3 or Bin-5 halves C channels, 9 or 25 C H'W' MACs: I channels on the feature
    branch, I (basic) or w (bottleneck) on the other.
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
    With equal columns g, width w inside, mixing: k^2 I w / g + w^2 + wO + IO + 4w + 4O parameters,
    and on a condensed map of P pixels P (k^2 I w / g + w^2 + wO + IO) MACs with the condenser's.
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
        return bring_back(y, size)


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


def stride_of(stage: Sequence[Block]) -> int:
    """Multiply the strides of a stage's blocks."""
    return prod(block.get("stride") or (2 if block.get("down") else 1) for block in stage)


class AttendNeXt(Backbone):
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
        strides = [stride_of(stage) for stage in spec["stages"]]
        strides[0] *= spec["stem"]["stride"] * (2 if spec["stem"]["pool"] else 1)
        channels = [sum(stage[-1]["outputs"]) for stage in spec["stages"]]
        self.feature_info = feature_info(list(zip(channels, strides, strict=True)))

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
