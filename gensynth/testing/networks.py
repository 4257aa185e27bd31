"""Small networks that plugins are tried on: plain, columnar, strided, residual, and an odd one."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from gensynth.evaluation.constraint import Candidate
from gensynth.evaluation.measurement import Measurement
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from gensynth.space import Task

TASK = Task(channels=3, height=16, width=16, classes=10)


class _Residual(nn.Module):
    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, 1, 1, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Add what two convolutions find: `(N, C, H, W) -> (N, C, H, W)`."""
        found: Tensor = self.second(torch.relu(self.norm(self.first(x)))) + x
        return found


def _network(width: int, groups: int, shortcut_stride: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(TASK.channels, width, 3, 2, 1),
        nn.ReLU(),
        _Residual(width, groups),
        nn.AvgPool2d(2),
        nn.Conv2d(width, 2 * width, 1, shortcut_stride),
        nn.ReLU(),
        _Residual(2 * width, groups),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2 * width, TASK.classes),
    )


def _linear() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(TASK.channels * 256, TASK.classes))


MAKERS = (
    partial(_network, 4, 1, 1),
    partial(_network, 8, 4, 1),
    partial(_network, 8, 8, 2),
    partial(_network, 32, 1, 2),
    _linear,
)
"""Make the networks, each time anew."""


def candidates() -> Iterator[Candidate]:
    """Give each network untrained, and as its training found it: good, poor, and at the limits."""
    for maker in MAKERS:
        module = maker()
        graph = trace(module, (TASK.channels, TASK.height, TASK.width))
        candidate = Candidate(graph, profile(graph), TASK, partial(_same, module))
        yield candidate
        for top1 in (0.0, 37.5, 91.25, 100.0):
            yield replace(candidate, measurement=measurement(top1))


def measurement(top1: float) -> Measurement:
    """Make the last line of a training: its confusion matrix agrees with `top1` (percent)."""
    right, classes = round(80 * top1 / 100), TASK.classes
    table = [[0] * classes for _ in range(classes)]
    for image in range(80):
        row = image % classes
        table[row][row if image < right else (row + 1) % classes] += 1
    return Measurement(20, top1, 0.5, 12.0, tuple(map(tuple, table)), None, 0.4)


def _same(module: nn.Module) -> nn.Module:
    return module
