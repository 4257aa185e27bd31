"""A limit on the measured latency of a network, in milliseconds."""

from dataclasses import dataclass
from typing import ClassVar

from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage, Verdict
from gensynth.evaluation.latency import HERE, Question, Runtime


@dataclass(frozen=True)
class MaxLatencyMs:
    """One inference takes at most `limit` milliseconds, on the machine that measures.

    Judged by the upper end of the median's interval. Milliseconds are those of one machine on
    one day; `max_latency_ratio` asks for what is the same tomorrow.
    """

    needs: ClassVar[Stage] = "latency"
    limit: float
    """Milliseconds of one inference of one batch, above 0."""
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
        assert self.question

    @property
    def question(self) -> Question:
        """What is to be measured."""
        return Question(self.runtime, self.threads, self.batch, self.device, self.resource)

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Compare the measured latency with the limit."""
        latency = candidate.latencies.get(str(self.question))
        if latency is None:
            return Verdict.not_judged(f"not measured: {self.question}")
        unit = f"ms (upper end; median {latency.median_ms:.4g})"
        return Verdict.at_most(latency.interval_ms.high, self.limit, unit)
