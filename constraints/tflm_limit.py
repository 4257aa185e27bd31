"""What constraints on RAM and flash under TensorFlow Lite Micro share."""

from dataclasses import dataclass
from typing import ClassVar, get_args

from constraints.limit import require_positive
from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage, Verdict
from gensynth.graph.graph import no_rule_for
from gensynth.tflm.footprint import Footprint, footprint_of, program_of
from gensynth.tflm.program import Precision


def require_precision(precision: str) -> None:
    """Raise `InputError` unless a precision is known."""
    if precision not in get_args(Precision):
        raise InputError("precision", f"expected int8 or float, got {precision!r}")


def footprint_or_verdict(candidate: Candidate, precision: Precision) -> Footprint | Verdict:
    """Return what a network takes, or the verdict on one that does not run or is not known."""
    if precision in candidate.footprints:
        return candidate.footprints[precision]
    graph = candidate.graph
    if graph.unknown:
        return Verdict.not_judged(graph.not_known)
    program = program_of(graph)
    if program.lacking:
        reason = f"TensorFlow Lite Micro does not have {', '.join(program.lacking[:3])}"
        return Verdict.at_most_zero(1.0, reason, program.lacking)
    if program.unruled:
        return Verdict.not_judged(f"conversion to TensorFlow Lite: {no_rule_for(program.unruled)}")
    found = footprint_of(graph, precision)
    return found or Verdict.not_judged("no network")


def origin(candidate: Candidate, precision: Precision) -> str:
    """Return in words which numbers a footprint is for, and where it comes from."""
    measured = precision in candidate.footprints
    return f"{precision}, {'measured' if measured else 'predicted'}"


@dataclass(frozen=True)
class TflmLimit:
    """A figure of the footprint is at most `limit`; a subclass says which."""

    needs: ClassVar[Stage] = "profile"
    unit: ClassVar[str]
    limit: float
    """Bytes, above 0."""
    precision: Precision = "int8"
    """Numbers of the exported model: `int8`, or `float` (float32)."""

    def __post_init__(self) -> None:
        """Refuse a limit that no network can keep."""
        require_positive(self.limit)
        require_precision(self.precision)

    def footprint_precision(self) -> Precision:
        """Have finalists measured in this precision."""
        return self.precision

    def cost(self, footprint: Footprint) -> int:
        """Return the figure that is limited."""
        raise NotImplementedError

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Compare what the network takes with the limit."""
        found = footprint_or_verdict(candidate, self.precision)
        if isinstance(found, Verdict):
            return found
        unit = f"{self.unit} ({origin(candidate, self.precision)})"
        return Verdict.at_most(self.cost(found), self.limit, unit)
