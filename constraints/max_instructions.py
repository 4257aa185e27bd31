"""A limit on the instructions of an inference, on a device that counts them."""

from dataclasses import dataclass
from typing import ClassVar

from constraints.limit import require_positive
from gensynth.evaluation.constraint import Candidate, Stage, Verdict
from gensynth.evaluation.latency import LatencyTable
from gensynth.quantity import Count


@dataclass(frozen=True, kw_only=True)
class MaxInstructions(LatencyTable):
    """One inference takes at most `limit` instructions of the processor.

    The upper end of the device's interval is compared with the limit: that of a prediction in the
    search, and that of a count for finalists. Instructions are neither cycles nor milliseconds.
    """

    needs: ClassVar[Stage] = "latency"
    answered_in: ClassVar[str] = "instructions"
    limit: Count
    """Instructions of one inference, above 0; also `"2M"`."""
    device: str = "cortex-m4"
    """A device that counts instructions: `cortex-m4`, or `module:class` next to the experiment."""

    def __post_init__(self) -> None:
        """Refuse what cannot be counted."""
        require_positive(self.limit)
        super().__post_init__()

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Compare the instructions with the limit."""
        question = str(self.latency_question())
        latency = candidate.latencies.get(question)
        if latency is None:
            return Verdict.not_judged(f"not counted: {question}")
        words = f"instructions (upper end; median {latency.median:,.0f})"
        return Verdict.at_most(latency.interval.high, self.limit, words)
