"""What limits on the figure that a device answers share."""

from dataclasses import dataclass
from typing import ClassVar

from constraints.limit import require_positive
from gensynth.evaluation.constraint import Candidate, ConstraintError, Stage, Verdict
from gensynth.evaluation.latency import LatencyTable, figure_words


@dataclass(frozen=True, kw_only=True)
class LatencyLimit(LatencyTable):
    """One inference takes at most `limit`; a subclass names the unit in `answered_in`."""

    needs: ClassVar[Stage] = "latency"
    limit: float
    """Above 0."""

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        require_positive(self.limit)
        super().__post_init__()

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Compare the upper end of the median's interval with the limit."""
        question, unit = str(self.latency_question()), self.answered_in
        latency = candidate.latencies.get(question)
        if latency is None:
            return Verdict.not_judged(f"not measured: {question}")
        if latency.unit != unit:
            raise ConstraintError(f"{self.device} answers in {latency.unit}, not in {unit}")
        words = f"{unit} (upper end; median {figure_words(latency.median, unit)})"
        return Verdict.at_most(latency.interval.high, self.limit, words)
