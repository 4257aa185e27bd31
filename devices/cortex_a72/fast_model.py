"""Predicts the latency of a network on a Cortex-A72 from its graph alone, thousands a second.

It is a sum over the network's layers, in milliseconds (`devices/sum_of_parts.py`). A class of
layers is one kind, window and stride, and whether channels fill vectors of four; its coefficients
are fitted by `experiments/cortex_a72/fit.py` to what the emulator counted for each layer.
"""

from collections.abc import Mapping
from functools import cache
from importlib import resources

from devices.cortex_a72.ncnn_layers import NcnnLayer, ncnn_layers
from devices.cortex_a72.parts import DEVICE
from devices.sum_of_parts import Foreseen, SumOfParts
from gensynth.errors import InputError
from gensynth.evaluation.latency import MILLISECONDS
from gensynth.graph.graph import Graph
from gensynth.serialization import from_plain, loads

VECTOR = 4
"""Float32 numbers in a vector of the processor."""
FEATURES = 7


class FastModel(SumOfParts):
    """The coefficients of one anchor: one runtime, one number of threads."""

    parts, unit = "layers", MILLISECONDS

    def foresee(self, graph: Graph) -> Foreseen:
        """Return the milliseconds of one inference at batch 1, and how far they can be trusted."""
        return self.sum((classes(layer), features(layer)) for layer in ncnn_layers(graph))


def classes(layer: NcnnLayer) -> tuple[str, ...]:
    """Return the classes of a layer, the narrowest first."""
    kind = layer.kind
    if kind in ("Convolution", "grouped"):
        given, made = layer.inputs // layer.groups, layer.outputs // layer.groups
        lanes = f"{_lanes(given)}{_lanes(made)}"
        winograd = layer.kernel == 9 and layer.stride == 1 and given >= 8 and made >= 8
        form = f"{kind} {layer.kernel} {layer.stride}"
        window = "1" if layer.kernel == 1 else "w" if winograd else "k"
        return (
            f"{form} {lanes} {winograd:d}",
            f"{kind} {window} {lanes}",
            f"{kind} {window}",
            kind,
        )
    lanes = _lanes(layer.outputs)
    if kind == "depthwise" or kind.startswith("Pooling"):
        form = f"{kind} {layer.kernel} {layer.stride}"
        return f"{form} {lanes}", f"{kind} {lanes}", kind
    return f"{kind} {lanes}", kind, "other"


def _lanes(channels: int) -> str:
    return "4" if channels % VECTOR == 0 else "1"


def features(layer: NcnnLayer) -> tuple[float, ...]:
    """Return the terms of a layer's time: products, numbers read and written, weights, groups."""
    reach = layer.inputs // layer.groups * layer.kernel
    if layer.kind in ("Convolution", "grouped", "InnerProduct"):
        made = layer.outputs // layer.groups
        filled = -(-made // VECTOR) * VECTOR * layer.groups
        products = 1e-6 * filled * layer.pixels * reach
        weights = 1e-6 * layer.outputs * reach
        unrolled = 1e-6 * layer.pixels * reach * layer.groups
    else:
        products = 1e-6 * layer.outputs * layer.pixels * layer.kernel
        weights, unrolled = 1e-6 * layer.outputs, 0.0
    written = 1e-6 * layer.outputs * layer.pixels
    read = 1e-6 * layer.inputs * layer.pixels_in
    return products, written, read, weights, unrolled, 1e-3 * layer.groups, 1e-3


@cache
def models() -> Mapping[str, FastModel]:
    """Read the package's fast models, by runtime and threads: `ncnn-1`."""
    file = resources.files("devices.cortex_a72") / "fast_model.json"
    return from_plain(dict[str, FastModel], loads(file.read_text("utf-8"), file.name), file.name)


def fast_model(threads: int, runtime: str = "ncnn") -> FastModel:
    """Return the model of a runtime and number of threads; `InputError` if there is none."""
    found = models().get(f"{runtime}-{threads}")
    if found is None:
        raise InputError("threads", f"{DEVICE} has no model of {runtime} with {threads} threads")
    return found
