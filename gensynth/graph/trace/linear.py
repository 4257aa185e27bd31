"""How operators that are linear act on a pattern: the moves, windows and sums of a piece."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gensynth.graph.trace.call import OperatorCall, repeat
from gensynth.graph.trace.describe import operands
from gensynth.graph.trace.pieces import PatternKind, Rerun

_CONVOLUTIONS: Any = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def runs(call: OperatorCall, part: int = 0, seed: int = 0) -> Rerun:
    """Return what repeats the operator, for its output number `part`.

    `seed` makes the sizes of its learned weights differ from those of other operators.
    """
    if call.operator == "convolution":
        return _sized(_convolution(call), call, 1, seed)
    if call.kind == "linear":
        return _sized(_product(call), call, -1, seed)
    if call.kind in ("norm", "activation", "softmax", "combine"):
        return _elementwise(call)
    return lambda values, purpose: _moved(call, values, part)


def _sized(run: Rerun, call: OperatorCall, axis: int, seed: int) -> Rerun:
    """Let the outputs of learned weights differ in size, if several such products are mixed."""

    def sized(values: Sequence[Tensor], purpose: PatternKind) -> Tensor:
        made = run(values, purpose)
        if purpose != "mixed" or not call.learned:
            return made
        shape = [1] * made.dim()
        shape[axis] = made.shape[axis]
        return made * torch.randn(shape, generator=torch.Generator().manual_seed(seed))

    return sized


def spread_over(call: OperatorCall, labels: Tensor, shape: torch.Size) -> Tensor:
    """Spread labels over the shape of an operator's input, in a layout that the operator takes."""
    spread = labels.expand(shape)  # Complex numbers are made of pairs that lie side by side.
    return spread.contiguous() if call.operator == "view_as_complex" else spread


def maxima(call: OperatorCall) -> Rerun:
    """Return a sum over the window of a maximum: whatever may decide it arrives."""
    if call.kind == "pool" and not call.operator.startswith("adaptive"):
        return lambda values, purpose: _summed_window(call, values[0])
    if call.kind == "pool":
        return lambda values, purpose: F.adaptive_avg_pool2d(values[0], call.out.shape[-2:])  # type: ignore[arg-type]
    if call.kind == "combine":
        return lambda values, purpose: sum(values, torch.zeros(call.out.shape))
    axes = call.arguments.get("dim")
    keep = bool(call.arguments.get("keepdim"))
    if axes is None or axes == []:
        return lambda values, purpose: values[0].sum()
    return lambda values, purpose: values[0].sum(axes, keepdim=keep)


def _moved(call: OperatorCall, values: Sequence[Tensor], part: int) -> Tensor:
    spread = [spread_over(call, value, value.shape) for value in values]
    made = repeat(call, spread, lambda constant: torch.zeros(constant.shape))
    return made if isinstance(made, Tensor) else made[part]


def _elementwise(call: OperatorCall) -> Rerun:
    """Sums keep their signs; a factor that is learned, and every offset, is left out."""

    def run(values: Sequence[Tensor], purpose: PatternKind) -> Tensor:
        shape = call.out.shape
        if len(values) > 1 and purpose == "cover":
            return sum(values, torch.zeros(shape))
        if call.operator in ("where", "masked_fill"):
            return _masked(call, values)
        if call.operator == "lerp":
            return repeat(call, values, _numbers)  # type: ignore[no-any-return]
        scales = call.operator in ("mul", "div")
        if len(values) == 1 and not scales and call.operator not in ("sub", "rsub", "neg", "add"):
            return values[0].expand(shape)
        if scales and (call.learned or not _is_real(call)):
            return values[0].expand(shape)
        made = repeat(call, values, _numbers if scales else lambda c: torch.zeros(c.shape))
        if call.operator in ("add", "sub", "rsub") and len(values) == 1:
            made = values[0].expand(shape) * (-1 if call.operator == "rsub" else 1)
        return made.abs() if purpose == "cover" else made  # type: ignore[no-any-return]

    return run


def _masked(call: OperatorCall, values: Sequence[Tensor]) -> Tensor:
    """Keep what a constant mask keeps; the numbers that it puts in are left out."""
    if call.operator == "masked_fill":
        kept: Tensor = ~call.args[1].cpu()
        return values[0] * kept
    mask: Tensor = call.args[0].cpu().bool().clone()
    if len(values) > 1:
        return torch.where(mask, values[0], values[1])
    return values[0] * (mask if call.args[1] is call.inputs[0] else ~mask)


def _is_real(call: OperatorCall) -> bool:
    tensors = [value for value in call.args if isinstance(value, Tensor)]
    return not any(tensor.is_meta or tensor.is_complex() for tensor in tensors)


def _numbers(constant: Tensor) -> Tensor:
    return constant.detach().clone().float().cpu()


def _convolution(call: OperatorCall) -> Rerun:
    weight = call.arguments["weight"]
    axes = weight.dim() - 2
    window = {name: list(call.arguments[name]) for name in ("stride", "padding", "dilation")}
    groups = int(call.arguments["groups"])
    fixed = None if call.learned or weight.is_meta else _numbers(weight)
    taps = _taps(weight)

    def run(values: Sequence[Tensor], purpose: PatternKind) -> Tensor:
        image = values[0]
        convolve = _CONVOLUTIONS[axes]
        if fixed is not None:
            filters = fixed.abs() if purpose == "cover" else fixed
            return convolve(image, filters, None, **window, groups=groups)  # type: ignore[no-any-return]
        per_group = image.shape[1] // groups
        outputs = weight.shape[0]
        if image.stride(1) == 0:  # All channels show the same.
            one = torch.zeros(1, 1, *weight.shape[2:])
            one[(..., *[(size - 1) // 2 for size in weight.shape[2:]])] = 1
            one = taps[None, None] if purpose == "cover" else one
            return convolve(image[:, :1], one, None, **window).expand(call.out.shape)  # type: ignore[no-any-return]
        if purpose == "cover":
            summed = image.unflatten(1, (groups, per_group)).sum(2)  # type: ignore[no-untyped-call]
            ones = taps.expand(groups, 1, *weight.shape[2:])
            seen = convolve(summed, ones, None, **window, groups=groups)
            return seen.repeat_interleave(outputs // groups, 1)  # type: ignore[no-any-return]
        # Each output shows one of the channels that it reads, at the centre of its window.
        made = outputs // groups
        picked = [o // made * per_group + o % per_group for o in range(outputs)]
        distinct = sorted(set(picked))
        centre = torch.zeros(len(distinct), 1, *weight.shape[2:])
        centre[(..., *[(size - 1) // 2 for size in weight.shape[2:]])] = 1
        shown = convolve(image[:, distinct], centre, None, **window, groups=len(distinct))
        return shown[:, [distinct.index(channel) for channel in picked]]  # type: ignore[no-any-return]

    return run


def _taps(weight: Tensor) -> Tensor:
    """Mark what a window reads: all of it, unless a mask sets learned weights to 0 for good."""
    taps = torch.ones(weight.shape[2:])
    if isinstance(weight, nn.Parameter) or weight.is_meta or not weight.is_floating_point():
        return taps
    used = (weight.detach() != 0).flatten(0, 1).any(0).float().cpu()
    return used if bool(used.any()) else taps


def _product(call: OperatorCall) -> Rerun:
    """A product with weights on the right sums over the last axis, on the left over the one before.

    Learned weights show one number for each output.
    """
    first, _ = operands(call)
    on_the_right = call.arguments[first] is call.inputs[0]
    axis = -1 if on_the_right or call.inputs[0].dim() == 1 else -2
    matrix = next(
        call.arguments[name]
        for name in operands(call)
        if call.arguments[name] is not call.inputs[0]
    )
    transposed = call.operator == "linear"
    fixed = None if call.learned or matrix.is_meta else _numbers(matrix)

    def run(values: Sequence[Tensor], purpose: PatternKind) -> Tensor:
        value = values[0]
        if fixed is not None:
            other = fixed.abs() if purpose == "cover" else fixed
            other = other.mT if transposed else other
            return value @ other if on_the_right else other @ value
        outputs = call.out.shape[axis] if call.out.dim() else 1
        if purpose == "cover":
            return value.sum(axis, keepdim=True).expand(call.out.shape)
        picked = torch.arange(outputs) % value.shape[axis]
        return value.index_select(axis, picked).reshape(call.out.shape)

    return run


def _summed_window(call: OperatorCall, image: Tensor) -> Tensor:
    arguments = call.arguments
    uniform = image.stride(-3) == 0
    image = image.narrow(-3, 0, 1) if uniform else image
    channels = image.shape[-3]
    size, step, before, dilation = (
        _pair(arguments[name]) for name in ("kernel_size", "stride", "padding", "dilation")
    )
    step = step or size
    ones = torch.ones(channels, 1, *size)
    height, width = call.out.shape[-2:]
    # Windows that begin inside the map and end outside exist with `ceil_mode`.
    reach = [0, 0, 0, 0]
    for at, (axis, made) in enumerate(((-1, width), (-2, height))):
        needed = (made - 1) * step[axis] + dilation[axis] * (size[axis] - 1) + 1
        reach[2 * at : 2 * at + 2] = before[axis], needed - before[axis] - image.shape[axis]
    padded = F.pad(image, reach)
    return F.conv2d(padded, ones, None, step, 0, dilation, channels).expand(call.out.shape)


def _pair(value: int | Sequence[int]) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    return values * 2 if len(values) == 1 else values[-2:]


def as_learned(call: OperatorCall, columns: dict[str, Any]) -> Rerun:
    """Stand for a quantised product: its sum over channels, in windows of ones."""
    shape, inputs = call.out.shape, call.inputs[0].shape

    def run(values: Sequence[Tensor], purpose: Any) -> Tensor:
        if len(inputs) != 4:
            return values[0].sum(-1, keepdim=True).expand(shape)
        seen = values[0].expand(inputs).sum(1, keepdim=True)
        kernel, stride, before = columns["kernel"], columns["stride"], padding_of(columns)
        if purpose == "response":
            rows = [
                min(max(i * stride[0] - before[0] + kernel[0] // 2, 0), inputs[2] - 1)
                for i in range(shape[2])
            ]
            across = [
                min(max(i * stride[1] - before[1] + kernel[1] // 2, 0), inputs[3] - 1)
                for i in range(shape[3])
            ]
            return values[0][:, :1][:, :, rows][..., across].expand(shape)
        ones = torch.ones(1, 1, *kernel)
        return torch.nn.functional.conv2d(seen, ones, None, stride, before).expand(shape)

    return run


def padding_of(columns: dict[str, Any]) -> tuple[int, int]:
    """Read how far the first window begins outside of the map."""
    for word in columns.get("detail", "").split(","):
        if word.startswith("padding="):
            rows, across = word.removeprefix("padding=").split("x")
            return int(rows), int(across)
    kernel = columns.get("kernel", (1, 1))
    return (kernel[0] - 1) // 2, (kernel[1] - 1) // 2
