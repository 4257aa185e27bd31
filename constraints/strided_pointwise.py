"""No strided point-wise operators: a window smaller than its stride never sees some pixels."""

from dataclasses import dataclass
from typing import ClassVar

from gensynth.evaluation.constraint import Candidate, Stage, Verdict
from gensynth.graph.downsampling import sees_low_pass
from gensynth.graph.graph import Graph, Layer


@dataclass(frozen=True)
class StridedPointwise:
    """No convolution, pool or strided slice has a window narrower than its stride.

    Slices that together keep all pixels (space to depth) lose nothing, nor does one that directly
    follows a low-pass filter at stride 1: that is the filter's own stride, written apart. The
    violation is the share of offenders among all convolutions, pools and strided slices.
    """

    needs: ClassVar[Stage] = "graph"

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Name the layers that skip pixels."""
        graph = candidate.graph
        windows = [i for i, layer in enumerate(graph) if _has_window(layer)]
        skipping = [i for i in windows if _skips(graph, i)]
        return Verdict.none_of(
            [graph.label(i) for i in skipping],
            len(windows),
            "convolutions, pools and slices have a stride larger than their window",
        )


def _has_window(layer: Layer) -> bool:
    return layer.kind in ("conv", "pool") or layer.stride != (1, 1)


def _skips(graph: Graph, row: int) -> bool:
    layer = graph.layers[row]
    if all(extent >= step for extent, step in zip(layer.kernel, layer.stride, strict=True)):
        return False
    if layer.kind != "move":
        return not layer.op.startswith("conv_transpose")
    return not (_keeps_all_phases(graph, layer) or sees_low_pass(graph, row))


def _keeps_all_phases(graph: Graph, layer: Layer) -> bool:
    """Say whether sister slices of the same map begin at all the other pixels."""
    sisters = {
        other.detail
        for other in graph
        if other.stride == layer.stride and other.inputs == layer.inputs and other.kind == "move"
    }
    return len(sisters) >= max(layer.stride)
