"""A limit on the measured latency of a network, as a multiple of another network's."""

from dataclasses import dataclass
from typing import ClassVar

from constraints.limit import require_positive
from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage, Verdict
from gensynth.evaluation.latency import LatencyTable


@dataclass(frozen=True, kw_only=True)
class MaxLatencyRatio(LatencyTable):
    """One inference takes at most `limit` times as long as the reference's.

    Both networks are timed alternately in one run. The upper end of the ratio's confidence interval
    is compared with the limit, so noise alone never makes a network feasible.
    """

    needs: ClassVar[Stage] = "latency"
    limit: float
    """Largest ratio, above 0; below 1 is faster than the reference."""
    reference: str
    """A MODEL: `timm:NAME`, `SPACE:PRESET`, `module:factory`, a genome file or an export."""

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        require_positive(self.limit)
        if not self.reference:
            raise InputError("reference", "must name a network")
        super().__post_init__()

    def timed_against(self) -> str:
        """Return the reference."""
        return self.reference

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Compare the measured ratio with the limit."""
        question = str(self.latency_question())
        latency = candidate.latencies.get(question)
        if latency is None or latency.ratio_interval is None:
            return Verdict.not_judged(f"not measured: {question}")
        unit = f"times the latency of {self.reference} (upper end; median {latency.ratio:.4g})"
        return Verdict.at_most(latency.ratio_interval.high, self.limit, unit)
