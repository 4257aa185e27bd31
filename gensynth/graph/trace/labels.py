"""Where channels go when numbers only move: follow the channel number of every element.

Each tensor has a companion of the same shape: the channel that each element belongs to. Operators
that rearrange are run on these labels too, so a channel shuffle written as view, transpose, view
is recognised as the permutation that it is, whatever the shapes in between.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from gensynth.graph.trace.call import OperatorCall, repeat

Route = tuple[tuple[int, int, int], ...] | None

_CONSTANT = -1.0
_INPUT = 2.0**30
"""Labels of the k-th input of an operator are raised by k times this."""


class _Labelled(NamedTuple):
    labels: Tensor
    channels: int


class Labels:
    """The labels of all tensors that depend on the image."""

    def __init__(self) -> None:
        self._known: Any = WeakTensorKeyDictionary()

    def fresh(self, tensor: Tensor, axis: int | None = None) -> None:
        """Number the channels of `tensor` along `axis`; by default 1 for maps, else the last."""
        axis = _channel_axis(tensor) if axis is None else axis
        if tensor.dim() == 0:
            self._known[tensor] = _Labelled(torch.zeros((), dtype=torch.float64), 1)
            return
        channels = tensor.shape[axis]
        shape = [1] * tensor.dim()
        shape[axis] = channels
        numbers = torch.arange(channels, dtype=torch.float64).reshape(shape)
        self._known[tensor] = _Labelled(numbers.expand(tensor.shape), channels)

    def inherit(self, inputs: Sequence[Tensor], out: Tensor) -> None:
        """Keep the labels of the first input of the same shape: element-by-element operators."""
        for tensor in inputs:
            if tensor.shape == out.shape:
                self._known[out] = self._known[tensor]
                return
        self.fresh(out)

    def pool(self, image: Tensor, out: Tensor) -> None:
        """Keep the labels of `image` on other positions: the last two axes."""
        known = self._known[image]
        if image.dim() != out.dim() or image.shape[:-2] != out.shape[:-2]:
            self.fresh(out)
        else:
            labels = known.labels[..., :1, :1].expand(out.shape)
            self._known[out] = _Labelled(labels, known.channels)

    def reduce(self, call: OperatorCall) -> Route:
        """Keep labels that agree over the reduced axes; give the route."""
        out, known = call.out, self._known[call.inputs[0]]
        if not known.labels.numel():
            self.fresh(out)
            return None
        axes = call.arguments.get("dim")
        axes = [axes] if isinstance(axes, int) else axes or list(range(known.labels.dim()))
        keep = bool(call.arguments.get("keepdim"))
        low, high = (f(known.labels, dim=axes, keepdim=keep) for f in (torch.amin, torch.amax))
        if not torch.equal(low, high):
            self.fresh(out)
            return None
        return self._settle(out, low, [known])

    def move(self, call: OperatorCall) -> list[Route]:
        """Run the operator on labels; give the route of each output."""
        known = [self._known[tensor] for tensor in call.inputs]
        moved = self._run(call)
        moved = [moved] if isinstance(moved, Tensor) else list(moved)
        pairs = zip(call.outputs, moved, strict=True)
        return [self._settle(out, labels, known) for out, labels in pairs]

    def write(self, view: Tensor, written: Tensor) -> Route:
        """Show in `view` what was written in place to `written`, which shares its memory.

        The route's last input is `written`, the one before, where `view` depended on the image
        already, is what `view` held.
        """
        after = self._known[written]
        known = [self._known[view], after] if view in self._known else [after]
        memory = torch.full((_elements(view),), _CONSTANT, dtype=torch.float64)
        if len(known) == 2:
            _window(memory, view).copy_(known[0].labels)
        _window(memory, written).copy_(after.labels + (len(known) - 1) * _INPUT)
        return self._settle(view, _window(memory, view).clone(), known)

    def _run(self, call: OperatorCall) -> Any:
        known = (self._known[tensor].labels for tensor in call.inputs)
        raised = [labels + place * _INPUT for place, labels in enumerate(known)]
        return repeat(call, raised, _constant, _CONSTANT)

    def _settle(self, out: Tensor, labels: Tensor, known: Sequence[_Labelled]) -> Route:
        """Number the channels of `out` if they lie along one axis, and return their origin."""
        axes = _varying(labels) if labels.numel() else []
        hidden = len(axes) > 1 or (not axes and out.dim() == 3)
        if hidden and len(known) == 1:
            self._known[out] = _Labelled(labels, known[0].channels)
            return ()
        if hidden or not out.dim() or not out.numel():
            self.fresh(out)
            return None
        axis = axes[0] if axes else _channel_axis(out)
        self.fresh(out, axis)
        route = _route(labels.movedim(axis, 0).reshape(labels.shape[axis], -1).amax(1), known)
        flattened = out.dim() < known[0].labels.dim()
        too_many = len(route) > sum(k.channels for k in known)
        return None if flattened and too_many else route


def _channel_axis(tensor: Tensor) -> int:
    return 1 if tensor.dim() >= 4 else tensor.dim() - 1


def overlap(view: Tensor, written: Tensor) -> bool:
    """Whether two tensors on the same memory share elements."""
    memory = torch.zeros(_elements(view), dtype=torch.bool)
    _window(memory, written).fill_(True)
    return bool(_window(memory, view).any())


def _constant(like: Tensor) -> Tensor:
    return torch.full(like.shape, _CONSTANT, dtype=torch.float64)


def _elements(view: Tensor) -> int:
    return view.untyped_storage().nbytes() // view.element_size()


def _window(memory: Tensor, view: Tensor) -> Tensor:
    return memory.as_strided(view.shape, view.stride(), view.storage_offset())


def _varying(labels: Tensor) -> list[int]:
    """List the axes along which labels differ, constants left out."""
    low = labels.masked_fill(labels < 0, torch.inf)
    return [
        axis
        for axis in range(labels.dim())
        if labels.shape[axis] > 1 and bool((labels.amax(axis) > low.amin(axis)).any())
    ]


def _route(along: Tensor, known: Sequence[_Labelled]) -> tuple[tuple[int, int, int], ...]:
    """Write the labels along the channel axis as runs."""
    channels = [int(label) for label in along.tolist()]
    if len(known) == 1 and channels == list(range(known[0].channels)):
        return ()
    runs: list[tuple[int, int, int]] = []
    for label in channels:
        place, channel = divmod(label, int(_INPUT)) if label >= 0 else (-1, 0)
        if runs and runs[-1][0] == place and (place < 0 or runs[-1][2] == channel):
            runs[-1] = (place, runs[-1][1], runs[-1][2] + 1)
        else:
            runs.append((place, channel, channel + 1))
    return tuple(runs)
