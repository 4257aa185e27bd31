"""Predicts the instructions of a network on a Cortex-M4 from its graph alone.

It is the sum of `coefficients * features` over the loops of the generated C code. Each class of
loops (operator, window, stride, padding, what gcc unrolls) has its own coefficients, none of them
negative, fitted by `experiments/cortex_m4/fit.py` to what the emulator counted for each loop. A
class that was never seen falls back to a coarser one; `Foreseen.extrapolated` reports it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from devices.cortex_m4.c_nodes import CNode, c_nodes
from gensynth.graph.graph import Graph
from gensynth.serialization import from_plain, loads

UNROLLED, HALF = 16, 64
"""Positions around an output up to which gcc unrolls all of their loops, or some of them."""
LONG = 16
"""Longest loop over channels that gcc unrolls."""
NARROW = (4, 8, 16)
"""Widths of a map up to which the code of a row is alike."""


@dataclass(frozen=True)
class FastModel:
    """The coefficients, and how far they can be trusted."""

    fitted: str
    """What it was fitted on, and how large its errors are."""
    coefficients: Mapping[str, Sequence[float]]
    """Instructions of each feature, by class of loops."""
    error_90: float
    """Relative difference from the emulator that nine of ten unseen networks do not exceed."""
    ratio_error_90: float
    """The same for the ratio of two of them."""
    least: float
    """Instructions of the smallest network that it was fitted on."""
    most: float
    """Instructions of the largest network that it was fitted on."""

    def instructions(self, graph: Graph) -> float:
        """Return the instructions of one inference."""
        return self.foresee(graph).instructions

    def foresee(self, graph: Graph) -> "Foreseen":
        """Return the instructions, and the share of them that rests on unseen classes of loops."""
        total = unseen = 0.0
        for _, node in c_nodes(graph):
            part, seen = self._instructions(node)
            total += part
            unseen += 0.0 if seen else part
        return Foreseen(total, unseen / total if total else 1.0, self)

    def _instructions(self, node: CNode) -> tuple[float, bool]:
        for depth, name in enumerate(classes(node)):
            found = self.coefficients.get(name)
            if found is not None:
                parts = zip(found, features(node), strict=True)
                return sum(weight * feature for weight, feature in parts), depth < 2
        return 0.0, False


@dataclass(frozen=True)
class Foreseen:
    """The prediction for a network, and how far it can be trusted."""

    instructions: float
    unseen: float
    """Share of the instructions in classes of loops that were not in the fit."""
    model: FastModel

    @property
    def extrapolated(self) -> str:
        """Why the prediction is an extrapolation; empty if it is not."""
        low, high = self.model.least, self.model.most
        if self.unseen > 0.1:
            return f"{self.unseen:.0%} of it comes from kinds of loops that the fit has not seen"
        if not low <= self.instructions <= high:
            return f"outside the {low:,.0f} to {high:,.0f} instructions of the networks in the fit"
        return ""


def classes(node: CNode) -> tuple[str, ...]:
    """Return the classes of a loop, the narrowest first."""
    wide = next((f"<={width}" for width in NARROW if node.width <= width), "wide")
    around = node.reach * node.taps
    form = "unrolled" if around <= UNROLLED else "half" if around <= HALF else "loop"
    short = "short" if node.reach <= LONG else "long"
    how = f"{form} {short}"
    name, _, rest = node.kind.partition(" ")
    window = f"{node.kind} {how}"
    return f"{window} {wide}", window, f"{name} {rest.rpartition(' ')[2]} {how}", name, "other"


def features(node: CNode) -> tuple[float, ...]:
    """Return the terms of a loop: products, positions, lines of windows, channels, outputs."""
    around = node.outputs * node.reach
    return (
        around * node.taps * node.inside,
        around * node.taps,
        around * node.lines,
        around,
        node.outputs,
        node.rows,
        node.inputs,
        1.0,
    )


@cache
def fast_model() -> FastModel:
    """Read the package's fast model."""
    file = resources.files("devices.cortex_m4") / "fast_model.json"
    return from_plain(FastModel, loads(file.read_text("utf-8"), file.name), file.name)
