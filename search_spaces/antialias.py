"""Down-sampling with and without a preceding low-pass filter; imports only torch.

The filters are those of Zhang, *Making Convolutional Networks Shift-Invariant Again*, ICML 2019
(arXiv 1904.11486): the outer product of the taps, divided by its sum.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TRI_3 = (1.0, 2.0, 1.0)
BIN_5 = (1.0, 4.0, 6.0, 4.0, 1.0)


class Blur(nn.Module):
    """Filters each channel and keeps every second row and column.

    `(N, C, H, W) -> (N, C, ceil(H/2), ceil(W/2))`. Nothing is learned, and the filter is not part
    of the state dict. The edge is replicated, for an even number of taps by one pixel less before
    than after, so that an even map halves exactly and a constant image stays constant.
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
        """Return the blurred and subsampled map."""
        padded = F.pad(x, self.padding, mode="replicate")
        return F.conv2d(padded, self.filter, stride=2, groups=self.filter.shape[0])


def rect2(channels: int) -> nn.Module:
    """Return the average of 2x2 pixels, which is Rect-2 [1, 1]; an odd edge counts once."""
    return nn.AvgPool2d(2, ceil_mode=True)


def tri3(channels: int) -> nn.Module:
    """Return a blur with Tri-3 [1, 2, 1]."""
    return Blur(channels, TRI_3)


def bin5(channels: int) -> nn.Module:
    """Return a blur with Bin-5 [1, 4, 6, 4, 1]."""
    return Blur(channels, BIN_5)


def max2(channels: int) -> nn.Module:
    """Return the maximum of 2x2 pixels, which aliases, as nothing filters the map before."""
    return nn.MaxPool2d(2, ceil_mode=True)


REDUCERS: dict[str, Callable[[int], nn.Module]] = {
    "rect2": rect2,
    "tri3": tri3,
    "bin5": bin5,
    "max": max2,
}
"""Layers that halve a map without a convolution: `(N, C, H, W) -> (N, C, ceil(H/2), ceil(W/2))`."""
