"""The columns of a `Layer` that an operator and its arguments decide: a function for each kind."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from gensynth.graph.graph import Kind
from gensynth.graph.trace.call import OperatorCall, full_name, tensors_in
from gensynth.graph.trace.filters import response_at_nyquist
from gensynth.graph.trace.operators import NAME, TOLD_BY_SHAPE
from gensynth.graph.trace.stored_parameters import packed_weights

LayerColumns = dict[str, Any]
"""Columns of a `Layer` by name."""


def describe(call: OperatorCall) -> LayerColumns:
    """Return the columns of a `Layer` that the operator and its arguments decide."""
    kind = call.kind
    if kind == "other":
        return {"kind": kind, "op": full_name(call.func)}
    if kind in ("conv", "linear", "matmul") and (word := _unusual(call)):
        return {"kind": "other", "op": f"{word} {full_name(call.func)}"}
    columns: LayerColumns = {"kind": kind, "op": NAME.get(call.operator, call.operator)}
    return columns | _DESCRIBE.get(kind, _elementwise)(call)


def _unusual(call: OperatorCall) -> str:
    """Return what keeps a product from costing what its shapes say; empty if nothing does."""
    read = tensors_in((call.args, dict(call.kwargs)))
    if any(tensor.is_complex() for tensor in (*call.inputs, *call.outputs)):
        return "complex"
    sparse = any(tensor.layout in _SPARSE for tensor in read)
    return "sparse" if sparse else ""


_SPARSE = frozenset(
    {torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc}
)


def _convolution(call: OperatorCall) -> LayerColumns:
    if call.func.namespace == "quantized":
        return _quantised_convolution(call)
    image, weight = call.arguments["input"], call.arguments["weight"]
    axes = weight.dim() - 2
    transposed = bool(call.arguments.get("transposed"))
    dilation = _pair(call.arguments["dilation"], axes)
    kernel = _extent(_pair(weight.shape[2:], axes), dilation)
    positions = (image if transposed else call.out).shape[2:].numel() * call.out.shape[0]
    columns: LayerColumns = {
        "op": f"conv_transpose{axes}d" if transposed else f"conv{axes}d",
        "kernel": kernel,
        "stride": _pair(call.arguments["stride"], axes),
        "groups": int(call.arguments["groups"]),
        "macs": weight.numel() * positions,
        "detail": _window(kernel, _pair(call.arguments["padding"], axes, 0), dilation),
    }
    depthwise = weight.shape[1] == 1 and image.shape[1] == call.out.shape[1] == columns["groups"]
    fixed = not call.learned and all(weight is not tensor for tensor in call.inputs)
    if depthwise and fixed and axes == 2:
        nyquist = response_at_nyquist(weight, dilation)
        columns |= {"kind": "pool", "op": "blur", "nyquist": nyquist}
    return columns


def _quantised_convolution(call: OperatorCall) -> LayerColumns:
    packed = next(value for value in call.args if isinstance(value, torch.ScriptObject))
    weight = packed_weights(packed)[0]
    axes = weight.dim() - 2
    dilation = _pair(packed.dilation(), axes)  # type: ignore[attr-defined]
    kernel = _extent(_pair(weight.shape[2:], axes), dilation)
    return {
        "op": f"conv{axes}d",
        "kernel": kernel,
        "stride": _pair(packed.stride(), axes),  # type: ignore[attr-defined]
        "groups": int(packed.groups()),  # type: ignore[attr-defined]
        "macs": weight.numel() * call.out.shape[2:].numel() * call.out.shape[0],
        "detail": _window(kernel, _pair(packed.padding(), axes, 0), dilation),  # type: ignore[attr-defined]
    }


def _product(call: OperatorCall) -> LayerColumns:
    if call.func.namespace == "quantized":
        packed = next(value for value in call.args if isinstance(value, torch.ScriptObject))
        weight = packed_weights(packed)[0]
        return {"op": "linear", "macs": call.out.numel() * weight.shape[-1]}
    if call.operator == "mkldnn_rnn_layer":
        return _recurrent(call)
    first, second = operands(call)
    activations = {id(tensor) for tensor in call.inputs}
    both = all(id(call.arguments[name]) in activations for name in (first, second))
    kind = "matmul" if both else "linear"
    macs = call.out.numel() * call.arguments[first].shape[-1]
    return {"kind": kind, "op": kind, "macs": macs}


def _recurrent(call: OperatorCall) -> LayerColumns:
    """One direction of one layer: at each step both weight matrices are read once.

    `mkldnn_rnn_layer` reads a sequence of (steps, batch, features).
    """
    arguments = call.arguments
    steps = arguments["input"].shape[:2].numel()
    macs = steps * (arguments["weight0"].numel() + arguments["weight1"].numel())
    return {"op": "recurrent", "macs": macs}


def operands(call: OperatorCall) -> tuple[str, str]:
    """Return the names of the two matrices that an operator multiplies."""
    return next(names for names in _OPERANDS if set(names) <= call.arguments.keys())


_OPERANDS = (
    ("mat1", "mat2"),  # addmm
    ("batch1", "batch2"),  # baddbmm
    ("mat", "vec"),  # addmv
    ("input", "weight"),  # linear
    ("self", "mat2"),  # mm, bmm
    ("self", "vec"),  # mv
    ("self", "tensor"),  # dot
)


def _attention(call: OperatorCall) -> LayerColumns:
    query, key, value = (call.arguments[name] for name in ("query", "key", "value"))
    pairs = query.shape[:-1].numel() * key.shape[-2]
    detail = "is_causal=True" if call.arguments.get("is_causal") else ""
    return {"macs": pairs * (query.shape[-1] + value.shape[-1]), "detail": detail}


def _normalisation(call: OperatorCall) -> LayerColumns:
    return {"groups": int(call.arguments.get("group", 1))}


def _pool(call: OperatorCall) -> LayerColumns:
    """Describe a window; of a pooled 1-D or 3-D map, the last two axes."""
    average = "avg" in call.operator
    columns = _adaptive(call) if call.operator.startswith("adaptive") else _fixed_window(call)
    if average:
        columns["nyquist"] = round(max((k % 2) / k for k in columns["kernel"]), 6)
    return columns


def _fixed_window(call: OperatorCall) -> LayerColumns:
    window = _pair(call.arguments["kernel_size"], 2)
    dilation = _pair(call.arguments.get("dilation", 1), 2)
    kernel = _extent(window, dilation)
    return {
        "kernel": kernel,
        "stride": _pair(call.arguments["stride"] or window, 2),
        "detail": _window(kernel, _pair(call.arguments["padding"], 2), dilation),
    }


def _adaptive(call: OperatorCall) -> LayerColumns:
    sides = zip(call.arguments["self"].shape[-2:], call.out.shape[-2:], strict=True)
    windows = [(-(-size // made), max(size // made, 1)) for size, made in sides]
    kernel, stride = zip(*windows, strict=True)
    return {"kernel": kernel, "stride": stride, "detail": "adaptive"}


def _softmax(call: OperatorCall) -> LayerColumns:
    axis = call.arguments["dim"] % call.out.dim()
    return {"detail": "" if axis == 1 and call.out.dim() != 3 else f"dim={axis}"}


def _resize(call: OperatorCall) -> LayerColumns:
    return {"detail": "align_corners=True" if call.arguments.get("align_corners") else ""}


def _reduction(call: OperatorCall) -> LayerColumns:
    image = call.inputs[0]
    axes = call.arguments.get("dim")
    axes = range(image.dim()) if axes is None else [axes] if isinstance(axes, int) else axes
    reduced = sorted(axis % image.dim() for axis in axes)
    positions = reduced == list(range(2, image.dim()))
    return {"detail": "" if positions else f"dim={reduced}"}


def _move(call: OperatorCall) -> LayerColumns:
    if call.operator in TOLD_BY_SHAPE:
        return {}
    if call.func.namespace == "quantized":
        return {"detail": f"dim={call.arguments['dim']}"}
    if call.operator == "slice":
        return _slice(call)
    return _elementwise(call)


def _slice(call: OperatorCall) -> LayerColumns:
    axis, step = call.arguments["dim"] % call.out.dim(), call.arguments["step"]
    start = call.arguments["start"] or 0
    if step == 1:
        return {"detail": f"dim={axis},start={start}"}
    stride = (step if axis == 2 else 1, step if axis == 3 else 1)
    return {"stride": stride, "detail": f"dim={axis},start={start},step={step}"}


def _elementwise(call: OperatorCall) -> LayerColumns:
    if call.operator == "hardtanh" and call.options == {"min_val": 0.0, "max_val": 6.0}:
        return {"op": "relu6"}
    options = sorted(call.options.items())
    return {"detail": ",".join(f"{k}={_canonical(k, v, call.out.dim())}" for k, v in options)}


def _canonical(name: str, value: Any, axes: int) -> Any:
    """Return a canonical value: axes counted from the front, whole numbers as integers."""
    if name.startswith("dim"):
        axes = max(axes, 1)  # A number has no axes, but dim=0 and -1 are accepted.
        return value % axes if isinstance(value, int) else [axis % axes for axis in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _window(kernel: tuple[int, int], padding: tuple[int, int], dilation: tuple[int, int]) -> str:
    """Return padding and dilation in words, without the defaults: (extent - 1) // 2, and 1."""
    words = []
    if padding != tuple((k - 1) // 2 for k in kernel):
        words.append(f"padding={padding[0]}x{padding[1]}")
    if dilation != (1, 1):
        words.append(f"dilation={dilation[0]}x{dilation[1]}")
    return ",".join(words)


def _extent(window: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int]:
    return (dilation[0] * (window[0] - 1) + 1, dilation[1] * (window[1] - 1) + 1)


def _pair(value: int | Sequence[int], axes: int, missing: int = 1) -> tuple[int, int]:
    values = [value] * axes if isinstance(value, int) else list(value)
    values = values * axes if len(values) == 1 else values
    return (missing, values[0]) if axes == 1 else (values[-2], values[-1])


_DESCRIBE: Mapping[Kind, Callable[[OperatorCall], LayerColumns]] = {
    "conv": _convolution,
    "linear": _product,
    "matmul": _attention,
    "norm": _normalisation,
    "pool": _pool,
    "softmax": _softmax,
    "resize": _resize,
    "reduce": _reduction,
    "move": _move,
}
