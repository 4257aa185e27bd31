"""No strided point-wise operators: a window smaller than its stride never sees some pixels."""

from dataclasses import dataclass
from typing import ClassVar

from gensynth.evaluation.constraint import Candidate, Stage, Verdict
from gensynth.graph.downsampling import skipping
from gensynth.graph.graph import Layer


@dataclass(frozen=True)
class StridedPointwise:
    """No place of the network subsamples a map so that samples are lost.

    A convolution or pool with a window narrower than its stride loses some, in whatever notation:
    as a slice, an index, a reshape. Slices that together keep all samples (space to depth) lose
    none, nor does one that directly follows a filter at stride 1: that is the filter's own stride,
    written apart. The violation is the number of offenders over that of convolutions and pools.
    """

    needs: ClassVar[Stage] = "graph"

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Judge that no layer skips samples; the offenders are those that do."""
        graph = candidate.graph
        if graph.unknown:
            return Verdict.not_judged(graph.not_known)
        skips = skipping(graph)
        windows = max(sum(_has_window(layer) for layer in graph), len(skips))
        if not windows:
            return Verdict.at_most_zero(0, "no convolutions, pools or slices: nothing to judge")
        what = "convolutions, pools and slices drop samples between those that they keep"
        return Verdict.none_of([graph.label(i) for i in skips], windows, what)


def _has_window(layer: Layer) -> bool:
    return layer.kind in ("conv", "pool")
