"""Small networks, most of them written twice: with modules and with functional calls."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Call(nn.Module):
    """Runs any function as a module, with the modules it needs."""

    def __init__(self, run: Callable[..., Any], **parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(parts)
        self.run = run

    def forward(self, x: Tensor) -> Any:
        return self.run(x, **dict(self.parts.items()))


def call(run: Callable[..., Any], **parts: nn.Module) -> nn.Module:
    return Call(run, **parts)


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)


def normed(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1
) -> nn.Module:
    return nn.Sequential(conv(inputs, outputs, kernel, stride, groups), nn.BatchNorm2d(outputs))


class Residual(nn.Module):
    """`relu(branch(x) + shortcut(x))`, the shortcut a 1x1 where the shape changes."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut or nn.Identity()
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.act(self.branch(x) + self.shortcut(x))
        return y


def basic(inputs: int, outputs: int, stride: int = 1, groups: int = 1) -> nn.Module:
    branch = nn.Sequential(
        normed(inputs, outputs, 3, stride, groups),
        nn.ReLU(inplace=True),
        normed(outputs, outputs, 3, 1, groups),
    )
    same = inputs == outputs and stride == 1
    return Residual(branch, None if same else normed(inputs, outputs, 1, stride))


def bottleneck(channels: int, groups: int, inner: int | None = None) -> nn.Module:
    inner = inner or channels
    branch = nn.Sequential(
        normed(channels, inner, 1),
        nn.ReLU(),
        normed(inner, inner, 3, 1, groups),
        nn.ReLU(),
        normed(inner, channels, 1),
    )
    return Residual(branch)


def head(channels: int, classes: int = 10) -> Sequence[nn.Module]:
    return nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)


def resnet(stride: int = 2) -> nn.Module:
    """Stem, two stages of dense basic blocks, the second with a strided 1x1 shortcut."""
    blocks = basic(8, 8), basic(8, 16, stride), basic(16, 16)
    return nn.Sequential(normed(3, 8, 3, 2), nn.ReLU(), *blocks, *head(16))


def columnar(groups: int = 4, blocks: int = 2, width: int = 16) -> nn.Module:
    """A stem, an entry block that mixes at its shortcut, and grouped blocks that do not."""
    rest = [basic(width, width, 1, groups) for _ in range(blocks - 1)]
    entry = Residual(
        nn.Sequential(
            normed(8, width, 3, 1, groups), nn.ReLU(), normed(width, width, 3, 1, groups)
        ),
        normed(8, width, 1),
    )
    return nn.Sequential(normed(3, 8, 3, 2), nn.ReLU(), entry, *rest, *head(width))


def inverted(channels: int, kernel: int = 3, groups: int = 1) -> nn.Module:
    """MobileNet's block: 1x1, depthwise, 1x1."""
    wide = 2 * channels
    return Residual(
        nn.Sequential(
            normed(channels, wide, 1, 1, groups),
            nn.ReLU6(),
            normed(wide, wide, kernel, 1, wide),
            nn.ReLU6(),
            normed(wide, channels, 1, 1, groups),
        )
    )


def mobilenet() -> nn.Module:
    blocks = inverted(8), inverted(8, 5)
    return nn.Sequential(normed(3, 8, 3, 2), nn.ReLU6(), *blocks, *head(8))


def in_branches(*branches: nn.Module, join: str = "cat") -> nn.Module:
    """Run branches side by side on one map and concatenate or add what they give."""

    def run(x: Tensor, **parts: nn.Module) -> Tensor:
        made = [part(x) for part in parts.values()]
        return torch.cat(made, 1) if join == "cat" else torch.stack(made).sum(0)

    return call(run, **{f"branch{i}": branch for i, branch in enumerate(branches)})


def on_slices(*columns: nn.Module) -> nn.Module:
    """Split the channels among the columns, and concatenate their outputs."""

    def run(x: Tensor, **parts: nn.Module) -> Tensor:
        slices = x.chunk(len(parts), 1)
        made = [part(piece) for part, piece in zip(parts.values(), slices, strict=True)]
        return torch.cat(made, 1)

    return call(run, **{f"column{i}": column for i, column in enumerate(columns)})


def shuffled(x: Tensor, groups: int) -> Tensor:
    """Shuffle channels the way ShuffleNet does, through five axes."""
    n, c, h, w = x.shape
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


class FunctionalResNet(nn.Module):
    """The network of `resnet()` from the same weights, without calling one of its modules."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        parts: list[Any] = list(self.model.children())
        stem, _, *blocks, _, _, linear = parts
        x = F.relu(_functional_normed(x, stem))
        for block in blocks:
            first, _, second = block.branch.children()
            y = _functional_normed(F.relu_(_functional_normed(x, first)), second)
            if not isinstance(block.shortcut, nn.Identity):
                x = _functional_normed(x, block.shortcut)
            x = (y + x).relu_()
        return F.linear(F.adaptive_avg_pool2d(x, 1).flatten(1), linear.weight, linear.bias)


def _functional_normed(x: Tensor, pair: nn.Module) -> Tensor:
    one, norm = pair.children()
    assert isinstance(one, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    x = F.conv2d(x, one.weight, None, one.stride, one.padding, one.dilation, one.groups)
    return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias)
