"""How each torch function computes for several members at once.

The maps of R members, each (N, C, H, W), are one map (N, R * C, H, W): the channels of the first
member come first. The weights of R members, each of (O, ...), are one tensor (R * O, ...). So a
convolution becomes one with R times as many groups, and whatever treats every channel by itself
needs no change. `RULES` holds what else a network may call; a network that calls anything else is
not grouped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Rule = Callable[..., Any]
"""Takes the group, then the arguments of the torch function, with the members' tensors in one."""


@dataclass
class Dice:
    """The state of each member's random numbers, by which its dropout draws."""

    device: torch.device
    states: list[Tensor] = field(default_factory=list)

    @classmethod
    def seeded(cls, seeds: Sequence[int], device: torch.device) -> "Dice":
        """Return the states that seeding torch's generator of `device` with `seeds` leaves."""
        make = torch.Generator(device).manual_seed
        return cls(device, [make(seed).get_state() for seed in seeds])

    def roll(self, member: int, draw: Callable[[], Tensor]) -> Tensor:
        """Return what `draw` makes from the random numbers of `member`."""
        generator = self._generator()
        before = generator.get_state()
        generator.set_state(self.states[member])
        try:
            return draw()
        finally:
            self.states[member] = generator.get_state()
            generator.set_state(before)

    def _generator(self) -> torch.Generator:
        if self.device.type == "cuda":
            return torch.cuda.default_generators[self.device.index or torch.cuda.current_device()]
        return torch.default_generator


@dataclass(frozen=True)
class Group:
    """How many members compute together, and their random numbers."""

    members: int
    dice: Dice

    def apart(self, x: Tensor) -> Tensor:
        """Return (N, H, W, R, C) of maps (N, R * C, H, W), or (N, R, C) of vectors (N, R * C)."""
        if x.ndim == 4:
            x = x.permute(0, 2, 3, 1)
        return torch.unflatten(x, -1, (self.members, -1))

    def joined(self, x: Tensor) -> Tensor:
        """Undo `apart`."""
        x = x.flatten(-2)
        return x.permute(0, 3, 1, 2) if x.ndim == 4 else x


def conv2d(
    group: Group,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve each member's channels by its own filters."""
    groups *= group.members
    return functional.conv2d(input, weight, bias, stride, padding, dilation, groups)


def linear(group: Group, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Multiply each member's vectors (N, I) by its own matrix."""
    vectors = group.apart(input).transpose(0, 1)
    matrices = torch.unflatten(weight, 0, (group.members, -1)).transpose(1, 2)
    if bias is None:
        made = torch.bmm(vectors, matrices)
    else:
        made = torch.baddbmm(bias.view(group.members, 1, -1), vectors, matrices)
    return group.joined(made.transpose(0, 1))


def softmax(
    group: Group, input: Tensor, dim: int, dtype: torch.dtype | None = None, **_: Any
) -> Tensor:
    """Let the channels of each member compete among themselves."""
    if dim % input.ndim != 1:
        return torch.softmax(input, dim, dtype)
    return group.joined(torch.softmax(group.apart(input), -1, dtype))


def split(group: Group, tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> Any:
    """Split each member's channels."""
    if dim % tensor.ndim != 1:
        return torch.split(tensor, split_size_or_sections, dim)
    return tuple(map(group.joined, torch.split(group.apart(tensor), split_size_or_sections, -1)))


def chunk(group: Group, input: Tensor, chunks: int, dim: int = 0) -> Any:
    """Split each member's channels into equal parts."""
    if dim % input.ndim != 1:
        return input.chunk(chunks, dim)
    return tuple(map(group.joined, group.apart(input).chunk(chunks, -1)))


def cat(group: Group, tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Concatenate each member's channels."""
    if dim % tensors[0].ndim != 1:
        return torch.cat(tuple(tensors), dim)
    return group.joined(torch.cat([group.apart(tensor) for tensor in tensors], -1))


def channel_shuffle(group: Group, input: Tensor, groups: int) -> Tensor:
    """Shuffle each member's channels among its groups."""
    apart = torch.unflatten(group.apart(input), -1, (groups, -1))
    return group.joined(apart.transpose(-1, -2).flatten(-2))


def flatten(group: Group, input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Flatten each member's channels and pixels."""
    if start_dim != 1 or end_dim % input.ndim != input.ndim - 1:
        raise NotImplementedError("flatten")
    return input.flatten(1)


def _dropping(drop: Rule) -> Rule:
    """Return the rule of a dropout that draws by each member's own random numbers.

    It also takes the `layout` in memory of what one member has, which orders its numbers.
    """

    def rule(
        group: Group,
        input: Tensor,
        p: float = 0.5,
        training: bool = True,
        inplace: bool = False,
        layout: torch.memory_format = torch.contiguous_format,
    ) -> Tensor:
        if not training:
            return input
        parts = [part.contiguous(memory_format=layout) for part in input.chunk(group.members, 1)]
        rolled = [group.dice.roll(k, partial(drop, part, p)) for k, part in enumerate(parts)]
        return torch.cat(rolled, 1)

    return rule


DROPOUTS = {name: _dropping(getattr(functional, name)) for name in ("dropout", "dropout2d")}
"""Rules that also take a `layout`, by the names of their functions."""


def _alike(function: Callable[..., Any]) -> Rule:
    """Return the rule of a function that treats every channel by itself."""

    def rule(group: Group, *args: Any, **kwargs: Any) -> Any:
        kwargs.pop("inplace", None)
        return function(*args, **kwargs)

    return rule


_POINTWISE = (
    *("relu", "relu6", "silu", "hardswish", "hardtanh", "hardsigmoid", "gelu", "elu", "mish"),
    *("leaky_relu", "selu", "celu", "softplus", "softsign", "logsigmoid", "sigmoid", "tanh"),
)
_BY_CHANNEL = (
    *("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d", "lp_pool2d"),
    *("batch_norm", "interpolate", "upsample", "pad"),
)
_OF_TENSORS = (
    *("add", "sub", "mul", "div", "true_divide", "pow", "square", "sqrt", "exp", "abs", "neg"),
    *("relu", "sigmoid", "tanh", "clamp", "maximum", "minimum", "mean", "sum", "amax", "amin"),
    *("contiguous", "__add__", "__mul__", "__sub__", "__radd__", "__rmul__", "__rsub__"),
    *("__neg__", "__pow__", "__truediv__"),
)


def _rules() -> dict[str, Rule]:
    homes = {"torch": torch, "torch.Tensor": Tensor, "torch.nn.functional": functional}
    names = {
        "torch.nn.functional": _POINTWISE + _BY_CHANNEL,
        "torch.Tensor": _OF_TENSORS,
        "torch": _OF_TENSORS,
    }
    found = {
        f"{home}.{name}": _alike(getattr(homes[home], name))
        for home, listed in names.items()
        for name in listed
        if hasattr(homes[home], name)
    }
    shared: dict[str, Rule] = {"softmax": softmax, "split": split, "chunk": chunk}
    for name, rule in (shared | {"flatten": flatten}).items():
        found |= {f"torch.{name}": rule, f"torch.Tensor.{name}": rule}
    own = {rule.__name__: rule for rule in (conv2d, linear, softmax, channel_shuffle)}
    found |= {f"torch.nn.functional.{name}": rule for name, rule in (own | DROPOUTS).items()}
    found |= {"torch.cat": cat, "torch.functional.split": split, "torch.conv2d": conv2d}
    return found


RULES = _rules()
"""By the full name of the torch function."""
