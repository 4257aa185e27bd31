"""A limit on the instructions of an inference, on a device that counts them."""

from dataclasses import dataclass
from typing import ClassVar

from constraints.latency_limit import LatencyLimit
from gensynth.quantity import Count


@dataclass(frozen=True, kw_only=True)
class MaxInstructions(LatencyLimit):
    """One inference takes at most `limit` instructions of the processor.

    The upper end of the device's interval is compared with the limit: that of a prediction in the
    search, and that of a count for finalists. Instructions are neither cycles nor milliseconds.
    """

    answered_in: ClassVar[str] = "instructions"
    limit: Count
    """Instructions of one inference, above 0; also `"2M"`."""
    device: str = "cortex-m4"
    """A device that counts instructions: `cortex-m4`, or `module:class` next to the experiment."""
