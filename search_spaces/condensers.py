"""Condensers and gates of double-condensing attention; imports torch only."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from search_spaces.antialias import rect2, tri3


def sigmoid(logits: Tensor) -> Tensor:
    """Gate every number by itself, into (0, 1)."""
    return torch.sigmoid(logits)


def softmax(logits: Tensor) -> Tensor:
    """Let the C channels of a pixel compete: gates of mean 1/C, as the authors' lab released."""
    return torch.softmax(logits, dim=1)


def softmax_c(logits: Tensor) -> Tensor:
    """Let the C channels of a pixel compete, and keep the signal's size: gates of mean 1."""
    return torch.softmax(logits, dim=1) * logits.shape[1]


GATES: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": sigmoid,
    "softmax": softmax,
    "softmax_c": softmax_c,
}


class MaxBlur(nn.Module):
    """Condense towards strong activations: 3x3 maximum at stride 1, then Tri-3 at stride 2.

    `(N, C, H, W) -> (N, C, ceil(H/2), ceil(W/2))`; a maximum that strides would be aliased.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.peak = nn.MaxPool2d(3, stride=1, padding=1)
        self.blur = tri3(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Condense."""
        condensed: Tensor = self.blur(self.peak(x))
        return condensed


CONDENSERS: dict[str, Callable[[int], nn.Module]] = {
    "max_blur": MaxBlur,
    "average": rect2,
    "blur": tri3,
}


def condenser(pool: str, channels: int, ratio: int) -> nn.Sequential:
    """Halve a map `log2(ratio)` times by the same `pool`; `ratio` 1 leaves it as it is."""
    return nn.Sequential(*(CONDENSERS[pool](channels) for _ in range(ratio.bit_length() - 1)))
