"""The latency of a network on a Cortex-A72, from its graph alone: thousands a second.

It is the sum over the network's works of `coefficients * features`, milliseconds; each class of
work (kind, window, stride, whether channels fill vectors of four) has its own coefficients, none
negative, fitted by `experiments/cortex_a72/fit.py` on what the emulator counted, layer by layer. A
class that was not seen falls back to a coarser one, which `Foreseen.extrapolated` says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from devices.cortex_a72.place import DEVICE
from devices.cortex_a72.works import Work, works
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
    """On what, and how far it is off."""
    coefficients: Mapping[str, Sequence[float]]
    """Milliseconds of each feature, by class of work."""
    error_90: float
    """Nine of ten unseen networks differ from the emulator by no more, relatively."""
    ratio_error_90: float
    """The same of the ratio of two of them."""
    from_ms: float
    to_ms: float
    """Of the networks that it was fitted on."""

    def milliseconds(self, graph: Graph) -> float:
        """Return the milliseconds of one inference at batch 1."""
        return self.foresee(graph).milliseconds

    def foresee(self, graph: Graph) -> "Foreseen":
        """Return the latency, and the share of it that rests on unseen classes of work."""
        total = unseen = 0.0
        for work in works(graph):
            part, seen = self._work(work)
            total += part
            unseen += 0.0 if seen else part
        return Foreseen(total, unseen / total if total else 1.0, self)

    def _work(self, work: Work) -> tuple[float, bool]:
        for depth, name in enumerate(classes(work)):
            found = self.coefficients.get(name)
            if found is not None:
                parts = zip(found, features(work), strict=True)
                return sum(weight * feature for weight, feature in parts), depth < 2
        return 0.0, False


@dataclass(frozen=True)
class Foreseen:
    """The prediction for a network, and how far it can be trusted."""

    milliseconds: float
    unseen: float
    """Share of the milliseconds in classes of work that were not fitted on."""
    model: FastModel

    @property
    def extrapolated(self) -> str:
        """Why the prediction is an extrapolation; empty if it is not."""
        low, high = self.model.from_ms, self.model.to_ms
        if self.unseen > 0.1:
            return f"{self.unseen:.0%} of it are layers of kinds that were not fitted on"
        if not low <= self.milliseconds <= high:
            return f"outside the {low:.3g} to {high:.3g} ms that were fitted on"
        return ""


def classes(work: Work) -> tuple[str, ...]:
    """Return the classes of a work, the narrowest first."""
    kind = work.kind
    if kind in ("Convolution", "grouped"):
        given, made = work.inputs // work.groups, work.outputs // work.groups
        lanes = f"{_lanes(given)}{_lanes(made)}"
        winograd = work.kernel == 9 and work.stride == 1 and given >= 8 and made >= 8
        form = f"{kind} {work.kernel} {work.stride}"
        window = "1" if work.kernel == 1 else "w" if winograd else "k"
        return (
            f"{form} {lanes} {winograd:d}",
            f"{kind} {window} {lanes}",
            f"{kind} {window}",
            kind,
        )
    lanes = _lanes(work.outputs)
    if kind == "depthwise" or kind.startswith("Pooling"):
        form = f"{kind} {work.kernel} {work.stride}"
        return f"{form} {lanes}", f"{kind} {lanes}", kind
    return f"{kind} {lanes}", kind, "other"


def _lanes(channels: int) -> str:
    return "4" if channels % VECTOR == 0 else "1"


def features(work: Work) -> tuple[float, ...]:
    """Return the terms of a work's time: products, numbers read and written, weights, groups."""
    reach = work.inputs // work.groups * work.kernel
    if work.kind in ("Convolution", "grouped", "InnerProduct"):
        made = work.outputs // work.groups
        filled = -(-made // VECTOR) * VECTOR * work.groups
        products = 1e-6 * filled * work.pixels * reach
        weights = 1e-6 * work.outputs * reach
        unrolled = 1e-6 * work.pixels * reach * work.groups
    else:
        products = 1e-6 * work.outputs * work.pixels * work.kernel
        weights, unrolled = 1e-6 * work.outputs, 0.0
    written = 1e-6 * work.outputs * work.pixels
    read = 1e-6 * work.inputs * work.pixels_in
    return products, written, read, weights, unrolled, 1e-3 * work.groups, 1e-3


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
