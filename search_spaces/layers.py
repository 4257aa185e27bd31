"""Layers that the search spaces share; imports only torch."""

from collections import OrderedDict

from torch import nn

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,
    "relu6": nn.ReLU6,
}


def named(**parts: nn.Module | None) -> nn.Sequential:
    """Return the parts that are not None as a sequence of named modules."""
    return nn.Sequential(OrderedDict((k, part) for k, part in parts.items() if part is not None))


def conv2d(inputs: int, outputs: int, kernel: int, groups: int, stride: int) -> nn.Conv2d:
    """Return a convolution without bias, since a norm follows, padded to ceil(H / stride)."""
    padding = kernel // 2
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)


def normed(conv: nn.Module, channels: int, activation: str | None) -> nn.Sequential:
    """Return a convolution with batch normalisation and, if it is named, an activation."""
    act = ACTIVATIONS[activation]() if activation else None
    return named(conv=conv, norm=nn.BatchNorm2d(channels), act=act)
