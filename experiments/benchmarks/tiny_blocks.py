"""The torch-only source of the tiny space: two linear layers that train within a moment."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


class Tiny(nn.Module):
    """Flattens an image and classifies it through one hidden layer."""

    def __init__(self, inputs: int, hidden: int, classes: int) -> None:
        """Create a network of `inputs` -> `hidden` -> `classes`."""
        super().__init__()
        self.flatten = nn.Flatten()
        self.first = nn.Linear(inputs, hidden)
        self.relu = nn.ReLU()
        self.last = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Classify images (N, C, H, W) as logits (N, classes)."""
        logits: Tensor = self.last(self.relu(self.first(self.flatten(x))))
        return logits


def make(spec: Mapping[str, Any]) -> nn.Module:
    """Build the network of `spec`."""
    return Tiny(**spec)
