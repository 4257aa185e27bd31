"""AttendNet: a small network of separable convolutions and visual attention condensers.

After Wong et al., *AttendNets*, arXiv 2009.14385, whose exact layers are not public: these are
ours. Activations and gates are piecewise linear and bounded, as weights and maps of 8 bits like
them. `make(spec)` builds the network of a plain specification; this file imports torch only.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from torch import Tensor, nn

from search_spaces.antialias import REDUCERS
from search_spaces.backbone import Backbone, feature_info
from search_spaces.condensers import ATTENTIONS
from search_spaces.layers import conv2d, named, normed


class SeparableBlock(nn.Module):
    """Depthwise k x k, 1x1 and attention: `(N, I, H, W) -> (N, O, H', W')`.

    The map is halved first, where `down` says how. From the second block of a stage on, the input
    is added to the output. Parameters without attention: k^2 I + IO + 2I + 2O.
    """

    def __init__(self, block: Mapping[str, Any], gate: str) -> None:
        super().__init__()
        inputs, outputs, attend = block["inputs"], block["outputs"], block["attend"]
        attention = ATTENTIONS[attend] if attend else None
        form = block["condense"], block["pool"], gate, "relu6"
        self.layers = named(
            reduce=REDUCERS[block["down"]](inputs) if block["down"] else None,
            spatial=normed(conv2d(inputs, inputs, block["kernel"], inputs, 1), inputs, "relu6"),
            mix=normed(conv2d(inputs, outputs, 1, 1, 1), outputs, None),
            attend=attention(outputs, *form) if attention else None,
        )
        self.residual = block["residual"]

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, attend, add."""
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


def stride_of(stage: Sequence[Mapping[str, Any]]) -> int:
    """Multiply the strides of a stage's blocks."""
    return prod(2 if block["down"] else 1 for block in stage)


class AttendNet(Backbone):
    """Stem, stages of blocks, global mean, linear head: `(N, C, H, W) -> (N, classes)`."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        super().__init__()
        first = spec["stem"]
        conv = conv2d(first["inputs"], first["width"], first["kernel"], 1, first["stride"])
        self.stem = normed(conv, first["width"], "relu6")
        self.stages = nn.ModuleList(
            nn.Sequential(*(SeparableBlock(block, spec["gate"]) for block in stage))
            for stage in spec["stages"]
        )
        self.head = nn.Linear(spec["stages"][-1][-1]["outputs"], spec["classes"])
        strides = [stride_of(stage) for stage in spec["stages"]]
        strides[0] *= first["stride"]
        channels = [stage[-1]["outputs"] for stage in spec["stages"]]
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
    return AttendNet(spec)
