"""Convolutions in columns, and the exchange between columns; imports torch only.

A block is plain data; `columns`, `kernels` and the channels at both ends of a convolution are
lists with an entry for each bundle of equal columns.
"""

from collections.abc import Mapping, Sequence
from math import gcd
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.layers import conv2d, normed

Block = Mapping[str, Any]


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
