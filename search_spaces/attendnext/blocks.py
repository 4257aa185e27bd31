"""AttendNeXt: a columnar network with double-condensing attention condensers (DC-AC).

After Wong et al., *Faster Attention Is What You Need*, arXiv 2208.06980. `make(spec)` builds the
network of a plain specification. This file imports only torch. A specification groups equal
columns into bundles: `columns`, `kernels`, `inputs`, `inner` and `outputs` of a block are lists
with one entry per bundle, and channels are those of the whole bundle.
"""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from search_spaces.antialias import REDUCERS
from search_spaces.backbone import Backbone, stride_of
from search_spaces.columns import BlockSpec, Shuffle, pointwise, spatial
from search_spaces.condensers import ATTENTIONS, GATES, bring_back, condenser
from search_spaces.layers import ACTIVATIONS, conv2d, named, normed


def reducer(down: str | None, channels: int) -> nn.Module | None:
    """Return the layer that halves a map, or None if `down` is left to a convolution or unset."""
    return REDUCERS[down](channels) if down in REDUCERS else None


def basic_branch(block: BlockSpec, activation: str) -> nn.Sequential:
    """Return two k x k convolutions: `(N, I, H, W) -> (N, O, H', W')`.

    With g equal columns and inner width w: k^2 w (I + O) / g + 2w + 2O parameters.
    """
    stride = 2 if block["down"] in ("strided_3x3", "strided_1x1") else 1
    return named(
        shuffle=Shuffle(sum(block["columns"])) if block["shuffle"] else None,
        reduce=reducer(block["down"], sum(block["inputs"])),
        first=spatial(block, "inputs", "inner", activation, stride),
        second=spatial(block, "inner", "outputs"),
    )


def bottleneck_branch(block: BlockSpec, activation: str) -> nn.Sequential:
    """Return a 1x1, a k x k (in columns) and a 1x1 convolution: `(N, I, H, W) -> (N, O, H', W')`.

    With g equal columns, inner width w and mixing: I w + k^2 w^2 / g + w O + 4w + 2O parameters.
    """
    stride = 2 if block["down"] in ("strided_3x3", "strided_1x1") else 1
    return named(
        narrow=pointwise(block, "inputs", "inner", activation),
        reduce=reducer(block["down"], sum(block["inner"])),
        spatial=spatial(block, "inner", "inner", activation, stride),
        widen=pointwise(block, "inner", "outputs"),
    )


def projection(block: BlockSpec) -> nn.Sequential:
    """Return a 1x1 convolution from the shape of a block's input to that of its output.

    With mixing: IO + 2O parameters.
    """
    average = "rect2" if block["down"] == "strided_3x3" else block["down"]
    stride = 2 if block["down"] == "strided_1x1" else 1
    return named(
        reduce=reducer(average, sum(block["inputs"])),
        project=pointwise(block, "inputs", "outputs", stride=stride),
    )


BRANCHES: dict[str, Callable[[BlockSpec, str], nn.Sequential]] = {
    "basic": basic_branch,
    "bottleneck": bottleneck_branch,
}


class Residual(nn.Module):
    """`act(branch(V) + shortcut(V))`: `(N, I, H, W) -> (N, O, H', W')`.

    If `attend` names an attention condenser, it is the last layer of the branch.
    """

    def __init__(self, block: BlockSpec, activation: str, gate: str) -> None:
        super().__init__()
        self.branch = BRANCHES[block["branch"]](block, activation)
        if block["attend"]:
            attend = ATTENTIONS[block["attend"]]
            sizes = sum(block["outputs"]), block["condense"], block["pool"]
            self.branch.add_module("attend", attend(*sizes, gate, activation))
        self.shortcut = projection(block) if block["project"] else nn.Identity()
        self.act = ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        """Add the branch to the shortcut."""
        y: Tensor = self.act(self.branch(x) + self.shortcut(x))
        return y


class ReleasedCondenser(nn.Module):
    """DC-AC as the authors' lab released it: `act(gate(attention(V)) * feature(V))`.

    `(N, I, H, W) -> (N, O, H', W')`. Both branches condense by the down-sampling of the stage, so
    nothing is enlarged again: H' = ceil(H/2) if there is any, else H. With g equal columns, inner
    width w and mixing:
    basic: k^2 w (I + O) / g + IO + 2w + 4O parameters, H'W' (k^2 w (I + O) / g + IO) MACs;
    bottleneck: Iw + k^2 w^2 / g + wO + IO + 4w + 4O parameters,
    HW Iw + H'W' (k^2 w^2 / g + wO + IO) MACs.
    If Tri-3 or Bin-5 halves C channels, another 9 or 25 C H'W' MACs: C is I on the feature branch,
    and I (basic) or w (bottleneck) on the attention branch.
    """

    def __init__(self, block: BlockSpec, activation: str, gate: str) -> None:
        super().__init__()
        self.attention = BRANCHES[block["branch"]](block, activation)
        self.feature = projection(block)
        self.gate = GATES[gate]
        self.act = ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        """Gate the features by the attention."""
        y: Tensor = self.act(self.gate(self.attention(x)) * self.feature(x))
        return y


class TextCondenser(nn.Module):
    """DC-AC as the paper describes it (section 2.1): `V' = F(A, B)`, without a scale.

    `(N, I, H, W) -> (N, O, ceil(H/stride), ceil(W/stride))`. The attention branch embeds the
    condensed V (k x k in columns, 1x1) and expands it (1x1) to A; the feature branch projects
    (1x1) the condensed V to B. Both branches condense alike without learning, so V is condensed
    once, and A and B are enlarged together, by nearest neighbours, if the output is larger.
    With g equal columns, inner width w and mixing: k^2 I w / g + w^2 + wO + IO + 4w + 4O
    parameters, and on a condensed map of P pixels P (k^2 I w / g + w^2 + wO + IO) MACs, in
    addition to those of the condenser.
    """

    def __init__(self, block: BlockSpec, activation: str, gate: str) -> None:
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
        """Gate the features by the attention, both on the condensed map, and enlarge the result."""
        condensed = self.condense(x)
        y: Tensor = self.act(self.gate(self.attention(condensed)) * self.feature(condensed))
        size = [-(-extent // self.stride) for extent in x.shape[2:]]
        return bring_back(y, size)


BLOCKS: dict[str, type[nn.Module]] = {
    "residual": Residual,
    "released": ReleasedCondenser,
    "text": TextCondenser,
}


def stem(spec: BlockSpec, activation: str) -> nn.Sequential:
    """Return the first layers: `(N, inputs, H, W) -> (N, width, H', W')`, of stride 1, 2 or 4."""
    inputs, width, columns = spec["inputs"], spec["width"], spec["columns"]
    first = conv2d(inputs, width, spec["kernel"], 1, spec["stride"])
    second = conv2d(width, width, spec["kernel"], columns, 1) if columns else None
    return named(
        first=normed(first, width, activation),
        second=normed(second, width, activation) if second else None,
        pool=nn.AvgPool2d(3, stride=2, padding=1) if spec["pool"] else None,
    )


class AttendNeXt(Backbone):
    """Stem, stages of columnar blocks, global mean, linear head."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        first, form, stages = spec["stem"], (spec["activation"], spec["gate"]), spec["stages"]
        super().__init__(
            stem(first, spec["activation"]),
            [[BLOCKS[block["block"]](block, *form) for block in stage] for stage in stages],
            [(sum(stage[-1]["outputs"]), stride_of(stage)) for stage in stages],
            first["stride"] * (2 if first["pool"] else 1),
            spec["classes"],
        )


def make(spec: Mapping[str, Any]) -> nn.Module:
    """Build the network of a specification, with fresh weights."""
    return AttendNeXt(spec)
