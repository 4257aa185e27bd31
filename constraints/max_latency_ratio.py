"""A limit on the measured latency of a network, as a multiple of another network's."""

from dataclasses import dataclass
from typing import ClassVar

from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage, Verdict
from gensynth.evaluation.latency import HERE, Question, Runtime


@dataclass(frozen=True)
class MaxLatencyRatio:
    """One inference takes at most `limit` times as long as the reference's, both timed in turn.

    Judged by the upper end of the ratio's interval, so that noise alone makes no network feasible.
    """

    needs: ClassVar[Stage] = "latency"
    limit: float
    """Of the ratio, above 0; below 1 = faster than the reference."""
    reference: str
    """A MODEL: `timm:NAME`, `SPACE:PRESET`, `module:factory`, a genome file, an export."""
    runtime: Runtime = "onnxruntime"
    threads: int = 1
    batch: int = 1
    device: str = HERE
    """`here`, or `cortex-a72`: foreseen from the graph, finalists counted in emulation."""
    resource: str = ""
    """Custom resource of the Ray node that measures; empty = the campaign's own machine."""

    def __post_init__(self) -> None:
        if not self.limit > 0:
            raise InputError("limit", f"{self.limit} is not above 0")
        if not self.reference:
            raise InputError("reference", "names no network")
        assert self.question

    @property
    def question(self) -> Question:
        """What is to be measured."""
        return Question(
            self.runtime, self.threads, self.batch, self.device, self.resource, self.reference
        )

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Compare the measured ratio with the limit."""
        latency = candidate.latencies.get(str(self.question))
        if latency is None or latency.ratio_interval is None:
            return Verdict.not_judged(f"not measured: {self.question}")
        unit = f"times the latency of {self.reference} (upper end; median {latency.ratio:.4g})"
        return Verdict.at_most(latency.ratio_interval.high, self.limit, unit)
