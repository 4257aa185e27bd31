"""Predicts the latency of a network on a Cortex-A72 from its graph alone, thousands a second.

It is the sum of `coefficients * features` over the network's layers, in milliseconds. Each class
of layers (kind, window, stride, whether channels fill vectors of four) has its own coefficients,
none of them negative, fitted by `experiments/cortex_a72/fit.py` to what the emulator counted for
each layer. A class that was never seen falls back to a coarser one; `Foreseen.extrapolated` reports
it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from devices.cortex_a72.ncnn_layers import NcnnLayer, ncnn_layers
from devices.cortex_a72.parts import DEVICE
from gensynth.errors import InputError
from gensynth.graph.graph import Graph
from gensynth.serialization import from_plain, loads

VECTOR = 4
"""Float32 numbers in a vector of the processor."""
FEATURES = 7


@dataclass(frozen=True)
class FastModel:
    """The coefficients of one anchor: one runtime, one number of threads."""

    fitted: str
    """What it was fitted on, and how large its errors are."""
    coefficients: Mapping[str, Sequence[float]]
    """Milliseconds of each feature, by class of layers."""
    error_90: float
    """Relative difference from the emulator that nine of ten unseen networks do not exceed."""
    ratio_error_90: float
    """The same for the ratio of two of them."""
    from_ms: float
    """Latency of the fastest network that it was fitted on."""
    to_ms: float
    """Latency of the slowest network that it was fitted on."""

    def milliseconds(self, graph: Graph) -> float:
        """Return the milliseconds of one inference at batch 1."""
        return self.foresee(graph).milliseconds

    def foresee(self, graph: Graph) -> "Foreseen":
        """Return the latency, and the share of it that rests on unseen classes of layers."""
        total = unseen = 0.0
        for layer in ncnn_layers(graph):
            part, seen = self._milliseconds(layer)
            total += part
            unseen += 0.0 if seen else part
        return Foreseen(total, unseen / total if total else 1.0, self)

    def _milliseconds(self, layer: NcnnLayer) -> tuple[float, bool]:
        for depth, name in enumerate(classes(layer)):
            found = self.coefficients.get(name)
            if found is not None:
                parts = zip(found, features(layer), strict=True)
                return sum(weight * feature for weight, feature in parts), depth < 2
        return 0.0, False


@dataclass(frozen=True)
class Foreseen:
    """The prediction for a network, and how far it can be trusted."""

    milliseconds: float
    unseen: float
    """Share of the milliseconds in classes of layers that were not in the fit."""
    model: FastModel

    @property
    def extrapolated(self) -> str:
        """Why the prediction is an extrapolation; empty if it is not."""
        low, high = self.model.from_ms, self.model.to_ms
        if self.unseen > 0.1:
            return f"{self.unseen:.0%} of it comes from kinds of layers that the fit has not seen"
        if not low <= self.milliseconds <= high:
            return f"outside the {low:.3g} to {high:.3g} ms of the networks in the fit"
        return ""


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
