"""Convolutions in columns, and the exchange between columns; imports only torch.

The specification of a block is plain data. `columns`, `kernels` and the channels at both ends of a
convolution are lists with one entry per bundle of equal columns.
"""

from collections.abc import Mapping, Sequence
from math import gcd
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.layers import conv2d, normed

BlockSpec = Mapping[str, Any]


class ParallelConv(nn.Module):
    """One convolution per bundle of columns, for bundles that differ.

    `(N, sum(inputs), H, W) -> (N, sum(outputs), H', W')`, in the order of the bundles.
    """

    def __init__(self, inputs: Sequence[int], convs: Sequence[nn.Conv2d]) -> None:
        super().__init__()
        self.inputs = list(inputs)
        self.bundles = nn.ModuleList(convs)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve each bundle and concatenate the results."""
        parts = torch.split(x, self.inputs, dim=1)
        return torch.cat(
            [conv(part) for conv, part in zip(self.bundles, parts, strict=True)], dim=1
        )


class Shuffle(nn.Module):
    """Distributes the channels of each column evenly to all columns, at no cost."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns = columns

    def forward(self, x: Tensor) -> Tensor:
        """Reorder the channels."""
        return F.channel_shuffle(x, self.columns)


def column_conv(block: BlockSpec, ends: tuple[str, str], pointwise: bool, stride: int) -> nn.Module:
    """Return a convolution of each column by itself; one grouped layer if all bundles are equal.

    Columns share a group if the input channels of their bundle cannot be divided among them.
    """
    inputs, outputs = block[ends[0]], block[ends[1]]
    kernels = [1] * len(inputs) if pointwise else block["kernels"]
    groups = [gcd(n, channels) for n, channels in zip(block["columns"], inputs, strict=True)]
    bundles = list(zip(inputs, outputs, kernels, groups, strict=True))
    if all(bundle == bundles[0] for bundle in bundles):
        return conv2d(sum(inputs), sum(outputs), kernels[0], sum(groups), stride)
    return ParallelConv(inputs, [conv2d(*bundle, stride) for bundle in bundles])


def spatial(
    block: BlockSpec, inputs: str, outputs: str, activation: str | None = None, stride: int = 1
) -> nn.Sequential:
    """Return a k x k convolution of each column by itself, normalised."""
    conv = column_conv(block, (inputs, outputs), False, stride)
    return normed(conv, sum(block[outputs]), activation)


def pointwise(
    block: BlockSpec, inputs: str, outputs: str, activation: str | None = None, stride: int = 1
) -> nn.Sequential:
    """Return a normalised 1x1 convolution, across columns if they mix, else column by column."""
    if block["mixing"]:
        conv: nn.Module = conv2d(sum(block[inputs]), sum(block[outputs]), 1, 1, stride)
    else:
        conv = column_conv(block, (inputs, outputs), True, stride)
    return normed(conv, sum(block[outputs]), activation)
