"""What torch's operators mean: their kind, and the columns of a `Layer` that arguments decide.

A table from operator to kind, and a pure function for each kind whose arithmetic matters. An
operator that stands in no table is `other`: counted nowhere, and said so.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from gensynth.graph import Kind

Columns = dict[str, Any]
"""Columns of a `Layer` by name."""


class Call(NamedTuple):
    """One call of an operator, as it happened."""

    func: Any
    """The operator itself."""
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    inputs: tuple[Tensor, ...]
    """Tensors it read that depend on the network's input, in the order of the arguments."""
    learned: bool
    """Whether it read a parameter, or a constant computed from one."""
    outputs: tuple[Tensor, ...]

    @property
    def out(self) -> Tensor:
        """What it returned first."""
        return self.outputs[0]

    @property
    def operator(self) -> str:
        """Its bare name: no namespace, no underscores at the ends."""
        return bare_name(self.func)

    @property
    def arguments(self) -> dict[str, Any]:
        """Its arguments by the names of its schema, defaults included."""
        schema = self.func._schema.arguments
        given = dict(zip((a.name for a in schema), self.args, strict=False)) | dict(self.kwargs)
        return {a.name: given.get(a.name, a.default_value) for a in schema}

    @property
    def options(self) -> dict[str, Any]:
        """Those arguments that are plain values and differ from their defaults."""
        defaults = {a.name: a.default_value for a in self.func._schema.arguments}
        return {
            name: value
            for name, value in self.arguments.items()
            if _is_plain(value) and value != defaults[name] and name not in _LAYOUT
        }


def bare_name(func: Any) -> str:
    """Strip namespace, overload and underscores from an operator's name."""
    name: str = func._schema.name
    return name.split("::")[-1].strip("_")


def _is_plain(value: Any) -> bool:
    items = value if isinstance(value, (list, tuple)) else [value]
    return all(isinstance(item, (bool, int, float, str)) for item in items)


VANISHING = frozenset({"alias", "detach", "lift", "lift_fresh", "native_dropout"})
"""Operators that change nothing when a network is evaluated."""
VALUE_FREE = frozenset(
    [
        "empty_like",
        "zeros_like",
        "ones_like",
        "full_like",
        "rand_like",
        "randn_like",
        "new_empty",
        "new_zeros",
        "new_ones",
        "new_full",
        "new_empty_strided",
    ]
)
"""Operators that read the shape of a tensor, not its values."""
_LAYOUT = frozenset({"dtype", "layout", "device", "memory_format", "pin_memory", "non_blocking"})
_OPERATORS: dict[Kind, str] = {
    "conv": "convolution mkldnn_convolution cudnn_convolution",
    "linear": "linear addmm mm mv addmv bmm baddbmm",
    "matmul": "scaled_dot_product_flash_attention_for_cpu scaled_dot_product_flash_attention "
    "scaled_dot_product_efficient_attention scaled_dot_product_cudnn_attention",
    "norm": "native_batch_norm native_batch_norm_legit_no_training cudnn_batch_norm "
    "native_layer_norm native_group_norm fused_rms_norm",
    "activation": "relu silu gelu elu celu selu mish hardswish hardsigmoid hardtanh sigmoid tanh "
    "leaky_relu prelu_kernel softplus log_sigmoid_forward hardshrink softshrink threshold abs neg "
    "exp log log1p sqrt rsqrt pow square reciprocal sign erf sin cos clamp clamp_min clamp_max "
    "round floor ceil",
    "softmax": "softmax log_softmax safe_softmax",
    "pool": "max_pool2d_with_indices avg_pool2d adaptive_avg_pool2d adaptive_max_pool2d",
    "reduce": "mean sum amax amin var std linalg_vector_norm logsumexp",
    "resize": "upsample_nearest2d upsample_nearest_exact2d upsample_bilinear2d "
    "upsample_bicubic2d upsample_bilinear2d_aa upsample_bicubic2d_aa",
    "combine": "add sub rsub mul div maximum minimum where lerp addcmul addcdiv",
    "move": "view unsafe_view reshape_alias permute transpose t slice select split unbind "
    "split_with_sizes unsafe_split unsafe_split_with_sizes unsqueeze squeeze expand cat stack "
    "constant_pad_nd reflection_pad2d replication_pad2d clone to_copy copy index index_select "
    "flip roll pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle as_strided "
    "repeat unfold im2col",
}
_KIND: dict[str, Kind] = {op: kind for kind, ops in _OPERATORS.items() for op in ops.split()}
_ALIASES = {
    "group_norm": "native_group_norm",
    "layer_norm": "native_layer_norm",
    "rms_norm": "fused_rms_norm",
    "batch_norm": "native_batch_norm native_batch_norm_legit_no_training cudnn_batch_norm",
    "attention": _OPERATORS["matmul"],
    "prelu": "prelu_kernel",
    "max": "max_pool2d_with_indices adaptive_max_pool2d",
    "avg": "avg_pool2d adaptive_avg_pool2d",
    "softmax": "safe_softmax",
    "view": "unsafe_view reshape_alias",
    "transpose": "t",
    "split": "split_with_sizes unsafe_split unsafe_split_with_sizes",
    "pad": "constant_pad_nd",
    "channel_shuffle": "native_channel_shuffle",
    "clone": "to_copy",
}
_NAME = {operator: name for name, operators in _ALIASES.items() for operator in operators.split()}


def describe(call: Call) -> Columns:
    """Give the columns of a `Layer` that the operator and its arguments decide."""
    kind = _KIND.get(call.operator, "other")
    columns: Columns = {"kind": kind, "op": _NAME.get(call.operator, call.operator)}
    return columns | _DESCRIBE.get(kind, _elementwise)(call)


def response_at_nyquist(filters: Tensor, dilation: Sequence[int] = (1, 1)) -> float | None:
    """Compare |response| at the Nyquist frequency with that at zero, on the worse axis.

    `filters` is (C, 1, H, W) or (H, W); the worst channel counts; rounded to 1e-6. None for a
    filter that blocks constants, which is no low-pass.
    """
    bank = filters.detach().double().reshape(-1, *filters.shape[-2:])
    zero = bank.sum((1, 2)).abs()
    if bool((zero < 1e-9).any()):
        return None
    rows, columns = (
        bank.new_tensor([(-1.0) ** (i * step) for i in range(size)])
        for size, step in zip(bank.shape[1:], dilation, strict=True)
    )
    vertical = (bank.sum(2) * rows).sum(1).abs() / zero
    horizontal = (bank.sum(1) * columns).sum(1).abs() / zero
    return round(float(max(vertical.max(), horizontal.max())), 6)


def _convolution(call: Call) -> Columns:
    image, weight = (
        call.arguments.get("input", call.arguments.get("self")),
        call.arguments["weight"],
    )
    axes = weight.dim() - 2
    transposed = bool(call.arguments.get("transposed"))
    dilation = _pair(call.arguments["dilation"], axes)
    kernel = _extent(_pair(weight.shape[2:], axes), dilation)
    positions = (image if transposed else call.out).shape[2:].numel() * call.out.shape[0]
    columns: Columns = {
        "op": f"conv_transpose{axes}d" if transposed else f"conv{axes}d",
        "kernel": kernel,
        "stride": _pair(call.arguments["stride"], axes),
        "groups": int(call.arguments["groups"]),
        "macs": weight.numel() * positions,
        "detail": _window(kernel, _pair(call.arguments["padding"], axes, 0), dilation),
    }
    depthwise = weight.shape[1] == 1 and image.shape[1] == call.out.shape[1] == columns["groups"]
    if depthwise and axes == 2 and not call.learned:
        columns |= {"kind": "pool", "op": "blur"}
        columns["nyquist"] = response_at_nyquist(weight, dilation)
    return columns


def _product(call: Call) -> Columns:
    first, second = next(names for names in _OPERANDS if set(names) <= call.arguments.keys())
    activations = {id(tensor) for tensor in call.inputs}
    both = all(id(call.arguments[name]) in activations for name in (first, second))
    kind = "matmul" if both else "linear"
    macs = call.out.numel() * call.arguments[first].shape[-1]
    return {"kind": kind, "op": kind, "macs": macs}


_OPERANDS = (
    ("mat1", "mat2"),  # addmm
    ("batch1", "batch2"),  # baddbmm
    ("mat", "vec"),  # addmv
    ("input", "weight"),  # linear
    ("self", "mat2"),  # mm, bmm
    ("self", "vec"),  # mv
)


def _attention(call: Call) -> Columns:
    query, key, value = (call.arguments[name] for name in ("query", "key", "value"))
    pairs = query.shape[:-1].numel() * key.shape[-2]
    detail = "is_causal=True" if call.arguments.get("is_causal") else ""
    return {"macs": pairs * (query.shape[-1] + value.shape[-1]), "detail": detail}


def _normalisation(call: Call) -> Columns:
    return {"groups": int(call.arguments.get("group", 1))}


def _pool(call: Call) -> Columns:
    average = "avg" in call.operator
    columns = _adaptive(call) if call.operator.startswith("adaptive") else _fixed_window(call)
    if average:
        columns["nyquist"] = round(max((k % 2) / k for k in columns["kernel"]), 6)
    return columns


def _fixed_window(call: Call) -> Columns:
    window = _pair(call.arguments["kernel_size"], 2)
    dilation = _pair(call.arguments.get("dilation", 1), 2)
    kernel = _extent(window, dilation)
    return {
        "kernel": kernel,
        "stride": _pair(call.arguments["stride"] or window, 2),
        "detail": _window(kernel, _pair(call.arguments["padding"], 2), dilation),
    }


def _adaptive(call: Call) -> Columns:
    sides = zip(call.arguments["self"].shape[-2:], call.out.shape[-2:], strict=True)
    windows = [(-(-size // made), max(size // made, 1)) for size, made in sides]
    kernel, stride = zip(*windows, strict=True)
    return {"kernel": kernel, "stride": stride, "detail": "adaptive"}


def _softmax(call: Call) -> Columns:
    axis = call.arguments["dim"] % call.out.dim()
    return {"detail": "" if axis == 1 and call.out.dim() != 3 else f"dim={axis - call.out.dim()}"}


def _resize(call: Call) -> Columns:
    return {"detail": "align_corners=True" if call.arguments.get("align_corners") else ""}


def _reduction(call: Call) -> Columns:
    image = call.arguments["self"]
    axes = call.arguments.get("dim")
    axes = range(image.dim()) if axes is None else [axes] if isinstance(axes, int) else axes
    reduced = sorted(axis % image.dim() for axis in axes)
    positions = reduced == list(range(2, image.dim()))
    return {"detail": "" if positions else f"dim={reduced}"}


def _move(call: Call) -> Columns:
    if call.operator in _TOLD_BY_SHAPE:
        return {}
    if call.operator == "slice":
        return _slice(call)
    return _elementwise(call)


def _slice(call: Call) -> Columns:
    axis, step = call.arguments["dim"] % call.out.dim(), call.arguments["step"]
    start = call.arguments["start"] or 0
    if step == 1:
        return {"detail": f"dim={axis},start={start}"}
    stride = (step if axis == 2 else 1, step if axis == 3 else 1)
    return {"stride": stride, "detail": f"dim={axis},start={start},step={step}"}


_TOLD_BY_SHAPE = frozenset(
    [
        "view",
        "unsafe_view",
        "reshape_alias",
        "t",
        "clone",
        "to_copy",
        "copy",
        "unsqueeze",
        "squeeze",
        "expand",
        "split",
        "unbind",
        "split_with_sizes",
        "unsafe_split",
        "unsafe_split_with_sizes",
    ]
)


def _elementwise(call: Call) -> Columns:
    if call.operator == "hardtanh" and call.options == {"min_val": 0.0, "max_val": 6.0}:
        return {"op": "relu6"}
    options = sorted(call.options.items())
    axes = {k: _positive(v, call.out.dim()) for k, v in options if k.startswith("dim")}
    return {"detail": ",".join(f"{key}={axes.get(key, value)}" for key, value in options)}


def _positive(axes: Any, count: int) -> Any:
    return axes % count if isinstance(axes, int) else [axis % count for axis in axes]


def _window(kernel: tuple[int, int], padding: tuple[int, int], dilation: tuple[int, int]) -> str:
    """Tell padding and dilation, unless they are the usual ones: (extent - 1) // 2, and 1."""
    told = []
    if padding != tuple((k - 1) // 2 for k in kernel):
        told.append(f"padding={padding[0]}x{padding[1]}")
    if dilation != (1, 1):
        told.append(f"dilation={dilation[0]}x{dilation[1]}")
    return ",".join(told)


def _extent(window: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int]:
    return (dilation[0] * (window[0] - 1) + 1, dilation[1] * (window[1] - 1) + 1)


def _pair(value: int | Sequence[int], axes: int, missing: int = 1) -> tuple[int, int]:
    values = [value] * axes if isinstance(value, int) else list(value)
    values = values * axes if len(values) == 1 else values
    return (missing, values[0]) if axes == 1 else (values[-2], values[-1])


_DESCRIBE: Mapping[Kind, Callable[[Call], Columns]] = {
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
