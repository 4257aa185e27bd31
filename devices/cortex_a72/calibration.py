"""Milliseconds on a real Raspberry Pi 4 from what was counted in emulation.

`ms = sum of weight * count` over four counts; the weights, nanoseconds each, are fitted on ncnn's
published latencies by `experiments/cortex_a72/calibrate.py`, relative errors alike, none negative.
There is one anchor for each runtime and number of threads; they are never mixed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from devices.cortex_a72.counts import Counts
from devices.cortex_a72.place import DEVICE
from gensynth.errors import InputError
from gensynth.serialization import from_plain, loads

TERMS = ("instructions", "written_bytes", "l1_misses", "l2_misses")
"""The counts that latency is made of."""
RUNTIME = "ncnn"


@dataclass(frozen=True)
class Anchor:
    """A fit on real measurements of one runtime with one number of threads."""

    measured: str
    """What was measured, where, and by whom."""
    nanoseconds: Mapping[str, float]
    """By the name of the count."""
    networks: int
    rho: float
    """Spearman's rank correlation of what is predicted for left-out networks with the truth."""
    median_error: float
    """Relative, of networks left out one at a time."""
    error_90: float
    """Relative error that nine of ten left-out networks do not exceed."""
    ratio_error_90: float
    """The same of the ratio of two left-out networks."""
    from_ms: float
    """The fastest network that it was fitted on; faster ones are extrapolated."""
    to_ms: float

    def milliseconds(self, counts: Counts) -> float:
        """Return the latency of an inference with these counts on the board."""
        times = [self.nanoseconds[name] * float(getattr(counts, name)) for name in TERMS]
        return 1e-6 * sum(times)

    def extrapolates(self, milliseconds: float) -> bool:
        """Whether a latency is outside the range of the networks that were measured."""
        return not self.from_ms <= milliseconds <= self.to_ms

    def __str__(self) -> str:
        """Describe the measurements behind it, and its error."""
        return (
            f"fitted on {self.networks} networks ({self.measured}); left out one at a time: "
            f"median error {self.median_error:.1%}, nine of ten within {self.error_90:.1%}, "
            f"rank correlation {self.rho:.4f}"
        )


@cache
def anchors() -> Mapping[str, Anchor]:
    """Read the package's anchors, by runtime and threads: `ncnn-1`."""
    file = resources.files("devices.cortex_a72") / "calibration.json"
    return from_plain(dict[str, Anchor], loads(file.read_text("utf-8"), file.name), file.name)


def anchor(threads: int) -> Anchor:
    """Return the anchor of ncnn for a number of threads; `InputError` if none was measured."""
    found = anchors().get(f"{RUNTIME}-{threads}")
    if found is None:
        known = ", ".join(name.partition("-")[2] for name in anchors())
        problem = f"{DEVICE} is calibrated for ncnn with {known} threads, not {threads}"
        raise InputError("threads", problem)
    return found
