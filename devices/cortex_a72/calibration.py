"""Converts the counts of the emulation to milliseconds on a real Raspberry Pi 4.

`ms = sum of weight * count` over four counts. The weights, in nanoseconds, are fitted to ncnn's
published latencies by `experiments/cortex_a72/calibrate.py`: non-negative least squares of relative
errors. There is one anchor per runtime and number of threads; they are never mixed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from devices.cortex_a72.counts import Counts
from devices.cortex_a72.parts import DEVICE
from gensynth.errors import InputError
from gensynth.serialization import from_plain, loads

TERMS = ("instructions", "written_bytes", "l1_misses", "l2_misses")
"""The counts that determine the latency."""
RUNTIME = "ncnn"


@dataclass(frozen=True)
class Anchor:
    """A fit on real measurements of one runtime with one number of threads."""

    measured: str
    """What was measured, on which machine, and by whom."""
    nanoseconds: Mapping[str, float]
    """Nanoseconds of each count, by its name."""
    networks: int
    rho: float
    """Spearman's rank correlation between predictions for left-out networks and the truth."""
    median_error: float
    """Median relative error for networks left out one at a time."""
    error_90: float
    """Relative error that nine of ten left-out networks do not exceed."""
    ratio_error_90: float
    """The same for the ratio of two left-out networks."""
    from_ms: float
    """Latency of the fastest network in the fit; below it, predictions are extrapolated."""
    to_ms: float
    """Latency of the slowest network in the fit."""

    def milliseconds(self, counts: Counts) -> float:
        """Return the latency of an inference with these counts on the board."""
        times = [self.nanoseconds[name] * float(getattr(counts, name)) for name in TERMS]
        return 1e-6 * sum(times)

    def extrapolates(self, milliseconds: float) -> bool:
        """Whether a latency is outside the range of the networks that were measured."""
        return not self.from_ms <= milliseconds <= self.to_ms

    def __str__(self) -> str:
        """Return the measurements behind it and its error, in words."""
        return (
            f"fitted to {self.networks} networks ({self.measured}); left out one at a time: "
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
