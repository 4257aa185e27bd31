"""The torch-only source of the toy space: a few convolutions and a linear layer."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


class Toy(nn.Module):
    def __init__(self, channels: int, width: int, depth: int, stride: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(depth):
            layers += [nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)]
            layers += [nn.ReLU()]
            channels = width
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        pooled: Tensor = self.layers(x).mean((2, 3))
        logits: Tensor = self.head(pooled)
        return logits


def make(spec: Mapping[str, Any]) -> nn.Module:
    return Toy(**spec)
