"""A limit on the measured latency of a network, in milliseconds."""

from dataclasses import dataclass
from typing import ClassVar

from constraints.latency_limit import LatencyLimit
from gensynth.evaluation.latency import MILLISECONDS
from gensynth.quantity import Milliseconds


@dataclass(frozen=True, kw_only=True)
class MaxLatencyMs(LatencyLimit):
    """One inference takes at most `limit` milliseconds.

    The upper end of the median's confidence interval is compared with the limit. Absolute latency
    depends on the machine and its load; use `max_latency_ratio` for a reproducible limit.
    """

    answered_in: ClassVar[str] = MILLISECONDS
    limit: Milliseconds
    """Milliseconds of one inference of one batch, above 0; also `"5 ms"`."""
