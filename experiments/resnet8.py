"""ResNet-8 of MLPerf Tiny's image classification, built from its description.

    gensynth compare experiments.resnet8:resnet8 --device cortex-m4 --image-size 32 --classes 10

A 3x3 convolution of 16 channels, then three blocks of two 3x3 convolutions (16, 32 and 64 channels,
the last two with stride 2 and a 1x1 convolution beside them), global average pooling and a linear
layer (Banbury et al., MLPerf Tiny Benchmark, 2021, arXiv 2106.07597). For CIFAR-10 it has
78,186 parameters.
"""

import torch
from torch import Tensor, nn

from gensynth import Task

WIDTHS = (16, 32, 64)


class Block(nn.Module):
    """Two convolutions, and the input added to their output."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Halve the map if the block widens it."""
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.beside = nn.Identity() if stride == 1 else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, outputs, H / stride, W / stride)."""
        inner = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(inner)) + self.beside(x))


class ResNet8(nn.Module):
    """The network for images of any size, of at least 4 pixels."""

    def __init__(self, channels: int, classes: int) -> None:
        """Build it for images of so many channels."""
        super().__init__()
        self.stem = nn.Conv2d(channels, WIDTHS[0], 3, 1, 1)
        self.norm = nn.BatchNorm2d(WIDTHS[0])
        pairs = zip((WIDTHS[0], *WIDTHS), WIDTHS, strict=False)
        self.blocks = nn.Sequential(*(Block(inputs, outputs) for inputs, outputs in pairs))
        self.head = nn.Linear(WIDTHS[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, classes)."""
        x = self.blocks(torch.relu(self.norm(self.stem(x))))
        logits: Tensor = self.head(x.mean((2, 3)))
        return logits


def resnet8(task: Task) -> nn.Module:
    """Build the network for a task."""
    return ResNet8(task.channels, task.classes)
