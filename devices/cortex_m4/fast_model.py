"""Predicts the instructions of a network on a Cortex-M4 from its graph alone.

It is a sum over the loops of the generated C code (`devices/sum_of_parts.py`). A class of loops is
one operator, window, stride and padding, and what gcc unrolls; its coefficients are fitted by
`experiments/cortex_m4/fit.py` to what the emulator counted for each loop.
"""

from functools import cache
from importlib import resources

from devices.cortex_m4.c_nodes import CNode, c_nodes
from devices.cortex_m4.firmware import UNIT
from devices.sum_of_parts import Foreseen, SumOfParts
from gensynth.graph.graph import Graph
from gensynth.serialization import from_plain, loads

UNROLLED, HALF = 16, 64
"""Positions around an output up to which gcc unrolls all of their loops, or some of them."""
LONG = 16
"""Longest loop over channels that gcc unrolls."""
NARROW = (4, 8, 16)
"""Widths of a map up to which the code of a row is alike."""


class FastModel(SumOfParts):
    """The coefficients for C code in float32, compiled by gcc."""

    parts, unit = "loops", UNIT

    def foresee(self, graph: Graph) -> Foreseen:
        """Return the instructions of one inference, and how far they can be trusted."""
        return self.sum((classes(node), features(node)) for _, node in c_nodes(graph))


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
