"""Ways to move the samples of a map, for tests of what a reduction does in many notations."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

CHANNELS, SIDE = 8, 16
TRI = torch.tensor([1.0, 2.0, 1.0]) / 4
BLUR = torch.outer(TRI, TRI).repeat(CHANNELS, 1, 1, 1)
ROW = TRI.repeat(CHANNELS, 1).view(CHANNELS, 1, 1, 3)
EVEN = torch.arange(0, SIDE, 2)
POOL = torch.eye(SIDE // 2).repeat_interleave(2, 1) / 2


def in_blocks(x: Tensor) -> Tensor:
    return x.reshape(1, CHANNELS, SIDE // 2, 2, SIDE // 2, 2)


def phases(x: Tensor) -> list[Tensor]:
    return [x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)]


def merged(x: Tensor) -> Tensor:
    """Swin's patch merging, on tokens whose channels come last."""
    tokens = x.permute(0, 2, 3, 1)
    return torch.cat([tokens[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], -1)


def turned(x: Tensor) -> Tensor:
    """A rotary embedding: channels in pairs, none of them dropped."""
    one, other = x[:, ::2], x[:, 1::2]
    return torch.stack([-other, one], 2).flatten(1, 2) * 0.5 + x


def filled(x: Tensor) -> Tensor:
    y = x.new_zeros(1, 4 * CHANNELS, SIDE // 2, SIDE // 2)
    for number, phase in enumerate(phases(x)):
        y[:, number * CHANNELS : (number + 1) * CHANNELS] = phase
    return y


def integral(x: Tensor, side: int = SIDE) -> Tensor:
    """The mean of 2x2, as differences of an integral image."""
    sums = F.pad(x, (1, 0, 1, 0)).cumsum(2).cumsum(3)
    rows = sums[:, :, 2::2] - sums[:, :, : side - 1 : 2]
    return (rows[..., 2::2] - rows[..., : side - 1 : 2]) / 4


def summed(values: Iterable[Tensor]) -> Tensor:
    """Add tensors up one after the other, as `sum` does."""
    total, *others = values
    for value in others:
        total = total + value
    return total


def tri(x: Tensor) -> Tensor:
    """Blur by Tri-3, channel by channel."""
    return F.conv2d(x, BLUR, padding=1, groups=CHANNELS)


def met_halfway(x: Tensor) -> Tensor:
    """The mean of 2x2, as an interpolation between slices."""
    one, other, third, last = phases(x)
    return torch.lerp(torch.lerp(one, other, 0.5), torch.lerp(third, last, 0.5), 0.5)


def assigned(x: Tensor) -> Tensor:
    """Every second sample, row by row into an empty map."""
    y = x.new_zeros(1, CHANNELS, SIDE // 2, SIDE // 2)
    for i in range(SIDE // 2):
        for j in (0, 1):
            y[:, :, i, j::2] = x[:, :, 2 * i, 2 * j :: 4]
    return y


def by_channel(x: Tensor) -> Tensor:
    """One of four samples of each channel, another one for every two channels."""
    return torch.cat([x[:, 2 * i : 2 * i + 2] for i, x in enumerate(phases(x))], 1)
