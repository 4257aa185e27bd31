"""Down-sampling with and without a low-pass filter before it; imports torch only.

Filters of Zhang, *Making Convolutional Networks Shift-Invariant Again*, ICML 2019
(arXiv 1904.11486): the two-dimensional filter is the outer product of its taps over its sum.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TRI_3 = (1.0, 2.0, 1.0)
BIN_5 = (1.0, 4.0, 6.0, 4.0, 1.0)


class Blur(nn.Module):
    """Filter each channel and keep every second row and column.

    `(N, C, H, W) -> (N, C, ceil(H/2), ceil(W/2))`; nothing is learned, and the filter is no part
    of the state. The edge is replicated, one pixel less before than after for an even number of
    taps, so that an even map halves exactly and a constant image stays constant.
    """

    filter: Tensor

    def __init__(self, channels: int, taps: tuple[float, ...]) -> None:
        super().__init__()
        before = (len(taps) - 1) // 2
        self.padding = (before, len(taps) - 1 - before) * 2
        plane = torch.outer(torch.tensor(taps), torch.tensor(taps))
        filters = (plane / plane.sum()).repeat(channels, 1, 1, 1)
        self.register_buffer("filter", filters, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Blur and subsample."""
        padded = F.pad(x, self.padding, mode="replicate")
        return F.conv2d(padded, self.filter, stride=2, groups=self.filter.shape[0])


def rect2(channels: int) -> nn.Module:
    """Average 2x2 pixels, which is Rect-2 [1, 1]; an odd edge counts once."""
    return nn.AvgPool2d(2, ceil_mode=True)


def tri3(channels: int) -> nn.Module:
    """Blur with Tri-3 [1, 2, 1]."""
    return Blur(channels, TRI_3)


def bin5(channels: int) -> nn.Module:
    """Blur with Bin-5 [1, 4, 6, 4, 1]."""
    return Blur(channels, BIN_5)


def max2(channels: int) -> nn.Module:
    """Keep the largest of 2x2 pixels: aliased, nothing filters before it subsamples."""
    return nn.MaxPool2d(2, ceil_mode=True)


REDUCERS: dict[str, Callable[[int], nn.Module]] = {
    "rect2": rect2,
    "tri3": tri3,
    "bin5": bin5,
    "max": max2,
}
"""Halve a map outside of any convolution: `(N, C, H, W) -> (N, C, ceil(H/2), ceil(W/2))`."""
