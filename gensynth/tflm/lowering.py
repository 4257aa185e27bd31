"""From the graph of a network to the operators that the converter writes for it.

The rules were read off what `litert-torch` 0.10 wrote: maps are stored with the channels last,
batch normalisation is folded into convolutions, ReLU and ReLU6 are part of the operator before
them, equal operators on equal inputs run once. A padding that TFLM's own (SAME) does not give is an
operator of its own. `experiments/benchmarks/tflm_memory.py` compares the result with real files.
"""

from collections.abc import Callable, Mapping
from math import prod

from gensynth.graph.graph import Graph, Layer
from gensynth.tflm import moves, windows
from gensynth.tflm.program import Constant, Program
from gensynth.tflm.rows import Rows
from gensynth.tflm.writer import Writer, index, learned

NUMBER_BY_NUMBER = {
    "sigmoid": "LOGISTIC",
    "hardswish": "HARD_SWISH",
    "tanh": "TANH",
    "elu": "ELU",
    "leaky_relu": "LEAKY_RELU",
    "exp": "EXP",
    "log": "LOG",
    "abs": "ABS",
    "neg": "NEG",
    "sqrt": "SQRT",
    "rsqrt": "RSQRT",
    "square": "SQUARE",
    "floor": "FLOOR",
    "ceil": "CEIL",
    "round": "ROUND",
}
"""torch's operators that are one operator of TFLM, by their names there."""
COMBINE = {
    "add": "ADD",
    "mul": "MUL",
    "sub": "SUB",
    "div": "DIV",
    "maximum": "MAXIMUM",
    "minimum": "MINIMUM",
}
LACKING = frozenset(
    (
        "gelu",
        "erf",
        "mish",
        "celu",
        "selu",
        "softplus",
        "upsample_bicubic2d",
        "grid_sampler_2d",
        "sort",
        "topk",
        "asin",
        "acos",
        "atan",
        "tan",
        "sinh",
        "cosh",
        "lgamma",
        "digamma",
        "erfinv",
        "conv3d",
        "conv_transpose3d",
    )
)
"""torch's operators that end in one which TFLM does not have."""


def lowered(graph: Graph) -> Program:
    """Return the program of a network; see `Program.lacking` and `Program.unruled`."""
    rows = Rows(graph.layers, Writer(prod(graph.layers[0].shape)))
    for row, layer in enumerate(graph):
        if row:
            rows.tensor[row] = _rule(layer)(rows, row)
    return rows.writer.program()


def _rule(layer: Layer) -> Callable[[Rows, int], int]:
    if layer.op in LACKING:
        return _lacking
    return RULES.get(layer.kind, _unruled)


def _lacking(rows: Rows, row: int) -> int:
    rows.writer.lacking.append(rows.label(row))
    return rows.anything(row)


def _unruled(rows: Rows, row: int) -> int:
    rows.writer.unruled.append(rows.label(row))
    return rows.anything(row)


def _norm(rows: Rows, row: int) -> int:
    """Fold a batch normalisation into the convolutions before it, or else compute it."""
    layer = rows.layers[row]
    if layer.op != "batch_norm":
        return _unruled(rows, row)
    tensor = rows.read(row)
    if rows.folds(row):
        return tensor
    for i, name in enumerate(("SUB", "MUL", "MUL", "ADD")):
        values = Constant("values", layer.shape[0], (row, i), 1)
        tensor = rows.writer.write(name, (tensor,), prod(layer.shape), (values,))
    return tensor


def _activation(rows: Rows, row: int) -> int:
    layer, tensor, write = rows.layers[row], rows.read(row), rows.writer.write
    size = prod(layer.shape)
    if layer.op in ("relu", "relu6"):
        if rows.alone(row) and rows.writer.ends_in(tensor):
            return tensor
        return write(layer.op.upper(), (tensor,), size)
    if layer.op == "silu":
        return write("MUL", (tensor, write("LOGISTIC", (tensor,), size)), size)
    if layer.op == "hardsigmoid":
        return _hard_sigmoid(rows, row, tensor)
    if layer.op in COMBINE:
        per_channel = layer.parameters > 0
        content = (row,) if per_channel else (layer.op, layer.detail)
        values = Constant("values", max(layer.parameters, 1), content, 1)
        return write(COMBINE[layer.op], (tensor,), size, (values,))
    if layer.op in NUMBER_BY_NUMBER:
        return write(NUMBER_BY_NUMBER[layer.op], (tensor,), size)
    return _unruled(rows, row)


def _hard_sigmoid(rows: Rows, row: int, tensor: int) -> int:
    """Write relu6(x + 3) / 6; a convolution before it takes the sum into its bias."""
    size = prod(rows.layers[row].shape)
    three, sixth = (Constant("values", 1, content, 1) for content in ("three", "sixth"))
    convolved = rows.writer.made_by(tensor) in ("CONV_2D", "DEPTHWISE_CONV_2D")
    if not (rows.alone(row) and convolved and rows.writer.ends_in(tensor)):
        tensor = rows.writer.write("ADD", (tensor,), size, (three,), "relu6")
    return rows.writer.write("MUL", (tensor,), size, (sixth,))


def _combine(rows: Rows, row: int) -> int:
    layer = rows.layers[row]
    name = COMBINE.get(layer.op)
    if name is None or len(layer.inputs) != 2:
        return _unruled(rows, row)
    return rows.writer.write(name, rows.reads(row), prod(layer.shape))


def _softmax(rows: Rows, row: int) -> int:
    layer = rows.layers[row]
    if layer.op != "softmax":
        return _unruled(rows, row)
    return rows.writer.write("SOFTMAX", (rows.read(row),), prod(layer.shape), (), layer.detail)


def _linear(rows: Rows, row: int) -> int:
    layer = rows.layers[row]
    made = layer.shape[-1]
    given = layer.macs // max(prod(layer.shape), 1)
    constants = learned(given * made, made, (row, "w"), (row, "b"))
    tensor = rows.read(row)
    return rows.writer.write("FULLY_CONNECTED", (tensor,), prod(layer.shape), constants, (), made)


def _mean(rows: Rows, row: int) -> int:
    """Write a mean over all positions; without kept axes, the map is transposed first."""
    layer, tensor = rows.layers[row], rows.read(row)
    (source,) = (rows.layers[j] for j in layer.inputs)
    if layer.op != "mean" or layer.detail or len(source.shape) != 3:
        return _unruled(rows, row)
    positions = prod(source.shape[1:])
    name = "MEAN" if positions > 1 else "SUM"
    if len(layer.shape) == 1 and positions > 1:
        order = index("to channels first", 4)
        tensor = rows.writer.write("TRANSPOSE", (tensor,), prod(source.shape), (order,))
    elif len(layer.shape) == 1:
        shape = index(("shape", source.shape), 4)
        tensor = rows.writer.write("RESHAPE", (tensor,), prod(source.shape), (shape,))
    axes = index(("last", len(layer.shape)), 2)
    return rows.writer.write(name, (tensor,), prod(layer.shape), (axes,))


def _resize(rows: Rows, row: int) -> int:
    layer = rows.layers[row]
    name = {
        "upsample_nearest2d": "RESIZE_NEAREST_NEIGHBOR",
        "upsample_bilinear2d": "RESIZE_BILINEAR",
    }.get(layer.op)
    if name is None:
        return _unruled(rows, row)
    size = index(("size", layer.shape[1:]), 2)
    return rows.writer.write(name, (rows.read(row),), prod(layer.shape), (size,), layer.detail)


RULES: Mapping[str, Callable[[Rows, int], int]] = {
    "conv": windows.convolution,
    "pool": windows.pool,
    "norm": _norm,
    "activation": _activation,
    "combine": _combine,
    "softmax": _softmax,
    "linear": _linear,
    "reduce": _mean,
    "resize": _resize,
    "move": moves.move,
}
