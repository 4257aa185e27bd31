"""Columnar design: spatial convolutions run in parallel columns, independent at first."""

from dataclasses import dataclass
from typing import ClassVar

from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage, Verdict
from gensynth.graph.columns import Columns, analyse


@dataclass(frozen=True)
class Columnar:
    """Most spatial convolutions lie in columns, and those of the first stage do not mix.

    At least `min_share` of the multiply-accumulates of spatial convolutions are computed in two
    or more columns, and in the first stage no columns interact after its entry block. What that
    means for any network is defined in `gensynth.graph.columns`. The violation is the larger of the
    lacking share and the share of the first stage's interactions that come too late.
    """

    needs: ClassVar[Stage] = "graph"
    min_share: float = 0.5
    """Above 0, at most 1."""

    def __post_init__(self) -> None:
        if not 0 < self.min_share <= 1:
            raise InputError("min_share", f"must be above 0 and at most 1, got {self.min_share}")

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Judge the columns; offenders lie outside of them, or mix those of the first stage."""
        graph = candidate.graph
        if graph.unknown:
            return Verdict.not_judged(graph.not_known)
        columns = analyse(graph)
        lacking = 1 - columns.share / self.min_share
        late = columns.first.later_interactions if columns.first else ()
        offenders = (*(columns.single if lacking > 0 else ()), *late)
        reason = f"{columns.share:.0%} of the spatial MACs in columns, at least "
        reason += f"{self.min_share:.0%} wanted"
        if late or lacking <= 0:  # Else the offenders, read after the reason, would seem to mix.
            interactions = "interaction" if len(late) == 1 else "interactions"
            reason += f"; {len(late)} {interactions} of columns in the first stage after its entry "
            reason += "block"
        names = [graph.label(row) for row in sorted(offenders)]
        return Verdict.at_most_zero(max(lacking, _mixing(columns)), reason, names)


def _mixing(columns: Columns) -> float:
    """Return the share of the first stage's interactions that come after its entry block."""
    if columns.first is None or not columns.first.later_interactions:
        return -1.0
    late = len(columns.first.later_interactions)
    return late / (late + len(columns.first.entry_interactions))
