"""Anti-aliased downsampling (AADS): whoever subsamples a map has filtered it before."""

from dataclasses import dataclass
from typing import ClassVar

from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage, Verdict
from gensynth.graph.downsampling import reductions, sees_low_pass


@dataclass(frozen=True)
class AntialiasedDownsampling:
    """At least `min_share` of the spatial reductions see a low-pass filter.

    The network's first convolution is exempt. Filters are judged by their response (see
    `gensynth.graph.downsampling`), so a mean or a blur at the stride passes, whatever its class is
    called; a strided learned convolution or a strided maximum does not. A network that never
    reduces its maps after the first convolution passes.
    """

    needs: ClassVar[Stage] = "graph"
    min_share: float = 1.0
    """Above 0, at most 1."""

    def __post_init__(self) -> None:
        if not 0 < self.min_share <= 1:
            raise InputError("min_share", f"{self.min_share} is not above 0 and at most 1")

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Name the reductions that alias."""
        graph = candidate.graph
        rows = reductions(graph)
        aliased = [row for row in rows if not sees_low_pass(graph, row)]
        share = 1 - len(aliased) / max(len(rows), 1)
        reason = (
            f"{len(rows) - len(aliased)} of {len(rows)} reductions are low-pass filtered, "
            f"at least {self.min_share:.0%} wanted"
        )
        return Verdict.at_most_zero(
            1 - share / self.min_share, reason, [graph.label(row) for row in aliased]
        )
