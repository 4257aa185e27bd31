"""Attention condensers, and squeeze-and-excitation for comparison; imports only torch.

Attention is computed on a condensed map, where it is cheap, enlarged to the size of the features,
and gates them. `V` is the map of C channels, `Q` the condensed map of h x w pixels (H x W halved
log2(ratio) times, rounded up), `K` its embedding, `A` the attention, `S` a scale, and `V'` the
output. All modules here keep the shape: `(N, C, H, W) -> (N, C, H, W)`. Double-condensing attention
condensers (DC-AC), which may change it, are blocks of `attendnext.blocks`.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.antialias import rect2, tri3
from search_spaces.layers import ACTIVATIONS, conv2d, named, normed


def sigmoid(logits: Tensor) -> Tensor:
    """Return independent gates between 0 and 1."""
    return torch.sigmoid(logits)


def hard_sigmoid(logits: Tensor) -> Tensor:
    """Return independent gates between 0 and 1 that are piecewise linear, thus exact in 8 bits."""
    return F.hardsigmoid(logits)


def softmax(logits: Tensor) -> Tensor:
    """Return gates for which the C channels of a pixel compete, of mean 1/C (as released)."""
    return torch.softmax(logits, dim=1)


def softmax_c(logits: Tensor) -> Tensor:
    """Return gates for which the C channels of a pixel compete, of mean 1 to keep the scale."""
    return torch.softmax(logits, dim=1) * logits.shape[1]


GATES: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": sigmoid,
    "hard_sigmoid": hard_sigmoid,
    "softmax": softmax,
    "softmax_c": softmax_c,
}


class MaxBlur(nn.Module):
    """Condenses a map to its strong activations: 3x3 maximum at stride 1, Tri-3 at stride 2.

    `(N, C, H, W) -> (N, C, ceil(H/2), ceil(W/2))`. A maximum with a stride would alias.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.peak = nn.MaxPool2d(3, stride=1, padding=1)
        self.blur = tri3(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the condensed map."""
        condensed: Tensor = self.blur(self.peak(x))
        return condensed


CONDENSERS: dict[str, Callable[[int], nn.Module]] = {
    "max_blur": MaxBlur,
    "average": rect2,
    "blur": tri3,
}


def condenser(pool: str, channels: int, ratio: int) -> nn.Sequential:
    """Return layers that halve a map `log2(ratio)` times by `pool`; none for a `ratio` of 1.

    `(N, C, H, W) -> (N, C, h, w)`, with sides rounded up at each halving. No parameters. Each
    halving to h x w pixels takes 9 C h w MACs if it blurs (`max_blur`, `blur`), else none.
    """
    return nn.Sequential(*(CONDENSERS[pool](channels) for _ in range(ratio.bit_length() - 1)))


def bring_back(condensed: Tensor, size: list[int]) -> Tensor:
    """Return the map enlarged to `size` (H, W) by nearest neighbours."""
    if list(condensed.shape[2:]) == size:
        return condensed
    return F.interpolate(condensed, size=size, mode="nearest")


class AttentionCondenser(nn.Module):
    """AC: `V' = V A S` (TinySpeech, Wong et al., arXiv 2008.04245).

    Q condenses V; K embeds Q by a depthwise 3x3 and a 1x1 convolution; A is K, gated and enlarged;
    S is one learned scale per channel. The paper leaves the layers open; these are ours.
    Parameters: C^2 + 14 C. MACs: h w (C^2 + 9 C), in addition to those of the condenser.
    """

    def __init__(self, channels: int, ratio: int, pool: str, gate: str, activation: str) -> None:
        super().__init__()
        self.condense = condenser(pool, channels, ratio)
        self.embed = self.embedding(channels, activation)
        self.gate = GATES[gate]
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))

    @staticmethod
    def embedding(channels: int, activation: str) -> nn.Sequential:
        """Return the layers from Q to K: `(N, C, h, w) -> (N, C, h, w)`."""
        return named(
            spatial=normed(conv2d(channels, channels, 3, channels, 1), channels, activation),
            relate=normed(conv2d(channels, channels, 1, 1, 1), channels, None),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the map, gated by its attention and scaled."""
        attention = self.gate(self.embed(self.condense(x)))
        return x * bring_back(attention, list(x.shape[2:])) * self.scale


class VisualAttentionCondenser(AttentionCondenser):
    """VAC: an AC whose attention is joint over space and channels (AttendNets, arXiv 2009.14385).

    The embedding also condenses the channels: a dense 3x3 convolution to w = max(2, C // 4) of
    them, then a 1x1 convolution back to C. The paper leaves the layers open; these are ours.
    Parameters: 10 C w + 2 w + 3 C. MACs: 10 h w C w, in addition to those of the condenser.
    """

    @staticmethod
    def embedding(channels: int, activation: str) -> nn.Sequential:
        """Return the layers from Q to K: `(N, C, h, w) -> (N, C, h, w)`."""
        inner = max(2, channels // 4)
        return named(
            spatial=normed(conv2d(channels, inner, 3, 1, 1), inner, activation),
            relate=normed(conv2d(inner, channels, 1, 1, 1), channels, None),
        )


class SqueezeExcitation(nn.Module):
    """SE: a gate for each channel from the means of all channels (Hu et al., arXiv 1709.01507).

    With w = max(2, C // 4), parameters: 2 C w + w + C. MACs: 2 C w.
    """

    def __init__(self, channels: int, ratio: int, pool: str, gate: str, activation: str) -> None:
        super().__init__()
        inner = max(2, channels // 4)
        self.squeeze = nn.Conv2d(channels, inner, 1)
        self.act = ACTIVATIONS[activation]()
        self.excite = nn.Conv2d(inner, channels, 1)
        self.gate = GATES[gate]

    def forward(self, x: Tensor) -> Tensor:
        """Return the map, with each channel gated."""
        squeezed = self.act(self.squeeze(x.mean(dim=(2, 3), keepdim=True)))
        return x * self.gate(self.excite(squeezed))


ATTENTIONS: dict[str, type[nn.Module]] = {
    "ac": AttentionCondenser,
    "vac": VisualAttentionCondenser,
    "se": SqueezeExcitation,
}
"""Attention modules; each takes channels, ratio, pool, gate and activation."""
