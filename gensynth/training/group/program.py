"""What a network computes, as the list of torch functions that it calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils._pytree import tree_leaves, tree_map

from gensynth.training.group.rules import DROPOUTS, RULES, Group, Rule

_READS = tuple(
    f"torch.Tensor.{name}"
    for name in (
        *("dim", "size", "shape.__get__", "ndim.__get__", "dtype.__get__", "device.__get__"),
        *("requires_grad.__get__", "is_floating_point", "numel", "layout.__get__", "__len__"),
        *("is_cuda.__get__", "__hash__", "stride"),
    )
)
"""Questions about a tensor whose answers are the same in every step."""
COUNTED = "torch.Tensor.add_"
"""Only a batch normalisation counts its batches in place."""


class NotGrouped(Exception):
    """A network that must train alone, for the reason given."""


@dataclass(frozen=True)
class Value:
    """The result of an earlier call; 0 is the input."""

    number: int


@dataclass(frozen=True)
class State:
    """A parameter or a buffer."""

    name: str


@dataclass(frozen=True)
class FunctionCall:
    """One call of a torch function."""

    rule: Rule
    args: tuple[Any, ...]
    """With `Value` and `State` in place of tensors."""
    kwargs: Mapping[str, Any]
    results: tuple[int, ...]
    nested: bool
    """Whether tensors are inside lists."""


@dataclass(frozen=True)
class Program:
    """What a network does in one mode, training or evaluation."""

    calls: tuple[FunctionCall, ...]
    output: int

    def run(self, group: Group, state: Mapping[str, Tensor], images: Tensor) -> Tensor:
        """Return the answers (N, R, classes) of all members to their images (N, R * C, H, W)."""
        values: dict[int, Any] = {0: images}

        def filled(item: Any) -> Any:
            if type(item) is Value:
                return values[item.number]
            return state[item.name] if type(item) is State else item

        for call in self.calls:
            if call.nested:
                args, kwargs = tree_map(filled, (call.args, call.kwargs))
            else:
                args = tuple(filled(item) for item in call.args)
                kwargs = {name: filled(item) for name, item in call.kwargs.items()}
            made = call.rule(group, *args, **kwargs)
            values.update(zip(call.results, made if type(made) is tuple else (made,), strict=True))
        return group.apart(values[self.output])


def written(network: nn.Module, images: Tensor) -> Program:
    """Run `network` on `images` in its present mode, and return what it called.

    Raises:
        NotGrouped: it called something that has no rule.
    """
    recorder = _Recorder(network, images)
    with torch.no_grad(), recorder:
        output = network(images)
    return Program(tuple(recorder.calls), recorder.number_of(output))


class _Recorder(TorchFunctionMode):
    """Sees every torch function that a network calls."""

    def __init__(self, network: nn.Module, images: Tensor) -> None:
        super().__init__()
        self.calls: list[FunctionCall] = []
        held = [*network.named_parameters(), *network.named_buffers()]
        self._state = {id(tensor): name for name, tensor in held}
        self._values = {id(images): 0}
        self._alive: list[Any] = [images, held]  # An id means one tensor while that is alive.
        self._next = 1

    def number_of(self, output: Any) -> int:
        """Return the number of the output's value."""
        if not isinstance(output, Tensor) or id(output) not in self._values or output.ndim != 2:
            raise NotGrouped("its output is not (N, classes)")
        return self._values[id(output)]

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the function and write it down."""
        kwargs = kwargs or {}
        made = func(*args, **kwargs)
        name = resolve_name(func) or repr(func)
        if name not in _READS:
            self._write(name, args, kwargs, made)
        return made

    def _write(self, name: str, args: tuple[Any, ...], kwargs: Any, made: Any) -> None:
        counts = name == COUNTED and id(args[0]) in self._state and args[0].ndim == 0
        rule = _counted if counts else RULES.get(name)
        if rule is None:
            raise NotGrouped(f"it calls {name}")
        items = tree_leaves((args, kwargs))
        if not counts and not any(id(item) in self._values for item in items):
            raise NotGrouped(f"{name} is not computed from the image")
        if rule in DROPOUTS.values():
            kwargs = kwargs | {"layout": _layout(args[0])}
        args, kwargs = tree_map(self._named, (args, kwargs))
        nested = any(isinstance(item, (list, tuple)) for item in (*args, *kwargs.values()))
        results = tuple(map(self._new, made if isinstance(made, (tuple, list)) else [made]))
        self.calls.append(FunctionCall(rule, args, kwargs, results, nested))

    def _named(self, item: Any) -> Any:
        if not isinstance(item, Tensor):
            return item
        if id(item) in self._values:
            return Value(self._values[id(item)])
        if id(item) in self._state:
            return State(self._state[id(item)])
        raise NotGrouped("it uses a tensor that is neither a parameter nor a buffer")

    def _new(self, tensor: Any) -> int:
        if not isinstance(tensor, Tensor):
            raise NotGrouped("it computes with numbers outside torch")
        self._values[id(tensor)] = self._next
        self._alive.append(tensor)
        self._next += 1
        return self._next - 1


def _counted(group: Group, counts: Tensor, by: Any) -> Tensor:
    return counts.add_(by)


def _layout(x: Tensor) -> torch.memory_format:
    rows_first = x.is_contiguous() or x.ndim != 4
    return torch.contiguous_format if rows_first else torch.channels_last
