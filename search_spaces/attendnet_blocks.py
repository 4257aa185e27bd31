"""AttendNet: a small network of separable convolutions and visual attention condensers.

After Wong et al., *AttendNets*, arXiv 2009.14385, whose exact layers are not public; these are
ours. Activations and gates are piecewise linear and bounded, which suits 8-bit weights and maps.
`make(spec)` builds the network of a plain specification. This file imports only torch.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from search_spaces.antialias import REDUCERS
from search_spaces.backbone import Backbone, stride_of
from search_spaces.condensers import ATTENTIONS
from search_spaces.layers import conv2d, named, normed


class SeparableBlock(nn.Module):
    """Depthwise k x k convolution, 1x1 convolution, attention: `(N, I, H, W) -> (N, O, H', W')`.

    If `down` is set, the map is halved first. From the second block of a stage on, the input is
    added to the output. Parameters without attention: k^2 I + IO + 2I + 2O.
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
        """Convolve, attend, and add the input if the block is residual."""
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class AttendNet(Backbone):
    """Stem, stages of separable blocks, global mean, linear head."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        first = spec["stem"]
        conv = conv2d(first["inputs"], first["width"], first["kernel"], 1, first["stride"])
        super().__init__(
            normed(conv, first["width"], "relu6"),
            [[SeparableBlock(block, spec["gate"]) for block in stage] for stage in spec["stages"]],
            [(stage[-1]["outputs"], stride_of(stage)) for stage in spec["stages"]],
            first["stride"],
            spec["classes"],
        )


def make(spec: Mapping[str, Any]) -> nn.Module:
    """Build the network of a specification, with fresh weights."""
    return AttendNet(spec)
