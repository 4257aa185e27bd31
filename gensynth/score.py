"""Universal performance functions U: pure arithmetic on what is known of a candidate."""

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

from gensynth.constraint import Candidate, Stage


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
