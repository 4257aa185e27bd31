"""Universal performance functions U: pure arithmetic on what is known of a candidate."""

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage
from gensynth.evaluation.latency import HERE, Question, Runtime


class Score(Protocol):
    """How well a candidate performs, all told; a frozen dataclass, higher is better."""

    needs: ClassVar[Stage]

    def __call__(self, candidate: Candidate, /) -> float:
        """Give the score of a candidate that is known up to the stage `needs`."""
        ...


@dataclass(frozen=True)
class NetScore:
    """NetScore (Wong 2018, arXiv 1806.05512), in decibels.

    `U = 20 log10(a^alpha / (p^beta m^gamma))` with `a` top-1 in percent, `p` parameters in
    millions and `m` multiply-accumulates of one inference in billions.
    """

    needs: ClassVar[Stage] = "proxy"
    alpha: float = 2.0
    beta: float = 0.5
    gamma: float = 0.5

    def __call__(self, candidate: Candidate, /) -> float:
        """Score the candidate by the top-1 that its training measured."""
        if candidate.measurement is None:
            raise ValueError("NetScore needs a trained candidate: its top-1 is not known")
        profile = candidate.profile
        return self.of(candidate.measurement.top1, profile.params, profile.macs)

    def of(self, top1: float, params: float, macs: float) -> float:
        """Score numbers: `top1` in percent (> 0), `params` and `macs` in units (> 0)."""
        if not (0 < top1 <= 100 and params > 0 and macs > 0):
            raise ValueError(
                f"NetScore of top1={top1}, params={params}, macs={macs} does not exist"
            )
        return 20 * (
            self.alpha * math.log10(top1)
            - self.beta * math.log10(params / 1e6)
            - self.gamma * math.log10(macs / 1e9)
        )


@dataclass(frozen=True)
class NetScoreLatency:
    """NetScore with measured latency in the place of multiply-accumulates, in decibels.

    `U = 20 log10(a^alpha / (p^beta r^gamma))` with `a` top-1 in percent, `p` parameters in
    millions and `r` the latency as a multiple of the reference's, both timed in one run, so that
    it has no unit and is the same on a busy day. The idea of NetScore is arXiv 1806.05512's; the
    latency in it is ours, and its decibels are not NetScore's.
    """

    needs: ClassVar[Stage] = "proxy"
    reference: str
    """A MODEL: `timm:NAME`, `SPACE:PRESET`, `module:factory`, a genome file, an export."""
    alpha: float = 2.0
    beta: float = 0.5
    gamma: float = 0.5
    runtime: Runtime = "onnxruntime"
    threads: int = 1
    batch: int = 1
    device: str = HERE
    """`here`, or `cortex-a72`: foreseen from the graph, finalists counted in emulation."""
    resource: str = ""
    """Custom resource of the Ray node that measures; empty = the campaign's own machine."""

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        if not self.reference:
            raise InputError("reference", "names no network")
        assert self.question

    @property
    def question(self) -> Question:
        """What is to be measured."""
        return Question(
            self.runtime, self.threads, self.batch, self.device, self.resource, self.reference
        )

    def __call__(self, candidate: Candidate, /) -> float:
        """Score the candidate by its measured top-1 and its measured latency."""
        latency = candidate.latencies.get(str(self.question))
        if candidate.measurement is None:
            raise ValueError("its top-1 is not known")
        if latency is None or latency.ratio is None:
            raise ValueError(f"its latency was not measured ({self.question})")
        return self.of(candidate.measurement.top1, candidate.profile.params, latency.ratio)

    def of(self, top1: float, params: float, ratio: float) -> float:
        """Score numbers: `top1` in percent, `params` in units, `ratio` of latencies; all > 0."""
        if not (0 < top1 <= 100 and params > 0 and ratio > 0):
            raise ValueError(f"no score of top1={top1}, params={params}, ratio={ratio}")
        return 20 * (
            self.alpha * math.log10(top1)
            - self.beta * math.log10(params / 1e6)
            - self.gamma * math.log10(ratio)
        )
