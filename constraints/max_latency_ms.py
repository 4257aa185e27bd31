"""A limit on the measured latency of a network, in milliseconds."""

from dataclasses import dataclass
from typing import ClassVar

from constraints.limit import require_positive
from gensynth.evaluation.constraint import Candidate, ConstraintError, Stage, Verdict
from gensynth.evaluation.latency import MILLISECONDS, LatencyTable
from gensynth.quantity import Milliseconds


@dataclass(frozen=True, kw_only=True)
class MaxLatencyMs(LatencyTable):
    """One inference takes at most `limit` milliseconds.

    The upper end of the median's confidence interval is compared with the limit. Absolute latency
    depends on the machine and its load; use `max_latency_ratio` for a reproducible limit.
    """

    needs: ClassVar[Stage] = "latency"
    answered_in: ClassVar[str] = MILLISECONDS
    limit: Milliseconds
    """Milliseconds of one inference of one batch, above 0; also `"5 ms"`."""

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        require_positive(self.limit)
        super().__post_init__()

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Compare the measured latency with the limit."""
        question = str(self.latency_question())
        latency = candidate.latencies.get(question)
        if latency is None:
            return Verdict.not_judged(f"not measured: {question}")
        if latency.unit != MILLISECONDS:
            raise ConstraintError(f"{self.device} answers in {latency.unit}, not in ms")
        words = f"ms (upper end; median {latency.median:.4g})"
        return Verdict.at_most(latency.interval.high, self.limit, words)
