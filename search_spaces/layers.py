"""Layers that the search spaces share; imports torch only."""

from collections import OrderedDict

from torch import nn

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,
    "relu6": nn.ReLU6,
}


def named(**parts: nn.Module | None) -> nn.Sequential:
    """Chain the parts that there are, under their names."""
    return nn.Sequential(OrderedDict((k, part) for k, part in parts.items() if part is not None))


def conv2d(inputs: int, outputs: int, kernel: int, groups: int, stride: int) -> nn.Conv2d:
    """Make a convolution without bias (the norm has one) that pads to keep the map's size."""
    padding = kernel // 2
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)


def normed(conv: nn.Module, channels: int, activation: str | None) -> nn.Sequential:
    """Follow a convolution by batch normalisation and, where one is named, an activation."""
    act = ACTIVATIONS[activation]() if activation else None
    return named(conv=conv, norm=nn.BatchNorm2d(channels), act=act)
