"""Small networks that plugins are tried on: plain, columnar, strided, residual, and an odd one."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gensynth.evaluation.constraint import Candidate
from gensynth.evaluation.measurement import Measurement
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from gensynth.space import Task

TASK = Task(channels=3, height=16, width=16, classes=10)
SHAPE = (TASK.channels, TASK.height, TASK.width)


class _Residual(nn.Module):
    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, 1, 1, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Add the output of two convolutions: `(N, C, H, W) -> (N, C, H, W)`."""
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
"""Functions that build the networks."""


def make(spec: Mapping[str, Any]) -> nn.Module:
    """Build a network, as a source of a search space does."""
    return MAKERS[1]()


def reference() -> nn.Module:
    """Build a network to compare with."""
    return MAKERS[0]()


def trained_networks() -> Iterator[nn.Module]:
    """Yield two networks in eval mode, with statistics as after a training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for maker in (MAKERS[2], MAKERS[4]):
            module = maker()
            with torch.no_grad():
                module.train()(torch.randn(16, *SHAPE))
            yield module.eval()


def candidates() -> Iterator[Candidate]:
    """Yield each network untrained, and with measurements: good, poor, and at the limits."""
    for maker in MAKERS:
        module = maker()
        graph = trace(module, SHAPE)
        candidate = Candidate(graph, profile(graph), TASK, partial(_same, module))
        yield candidate
        for top1 in (0.0, 37.5, 91.25, 100.0):
            yield replace(candidate, measurement=measurement(top1))


def measurement(top1: float) -> Measurement:
    """Return a last measurement whose confusion matrix agrees with `top1` (percent)."""
    right, classes = round(80 * top1 / 100), TASK.classes
    table = [[0] * classes for _ in range(classes)]
    for image in range(80):
        row = image % classes
        table[row][row if image < right else (row + 1) % classes] += 1
    return Measurement(20, top1, 0.5, 12.0, tuple(map(tuple, table)), None, 0.4)


def _same(module: nn.Module) -> nn.Module:
    return module
