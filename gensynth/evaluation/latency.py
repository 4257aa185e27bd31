"""What is asked about latency, and the answer: plain data that stands in the record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gensynth.errors import InputError, unknown

Runtime = Literal["onnxruntime", "torch", "ncnn"]
HERE, CORTEX_A72 = "here", "cortex-a72"
DEVICES: Mapping[str, str] = {
    HERE: "gensynth.latency.here:measure",
    CORTEX_A72: "devices.cortex_a72.device:measure",
}
"""What answers a question, by the device that it is about: `module:function`, of a `LatencyJob`.

`here` times real inferences on the machine that it runs on; `cortex-a72` models those of another
machine from what an emulation counts, by ncnn, which is not timed here.
"""
CONFIRMED: Mapping[str, str] = {CORTEX_A72: "devices.cortex_a72.device:confirm"}
"""What measures a finalist, where a device's answer above is only foreseen."""
CARRIED = 1.25
"""A ratio is told where the upper end of its interval is at most so many times the lower."""


@dataclass(frozen=True)
class Question:
    """How long does an inference take: run by what, where, and against which network."""

    runtime: Runtime = "onnxruntime"
    threads: int = 1
    batch: int = 1
    device: str = HERE
    resource: str = ""
    """Custom resource of the Ray node that measures; empty = the machine of the campaign."""
    reference: str = ""
    """A MODEL that is timed in the same run; empty = none."""

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        for name in ("threads", "batch"):
            if getattr(self, name) < 1:
                raise InputError(name, f"expected at least 1, got {getattr(self, name)}")
        if self.device not in DEVICES:
            raise unknown("device", "device", self.device, DEVICES)
        if self.device == CORTEX_A72:
            self._emulated()
        elif self.runtime == "ncnn":
            raise InputError("runtime", f"ncnn is not timed here, only counted on {CORTEX_A72}")

    def _emulated(self) -> None:
        """Say what an emulated device runs: its own runtime, whichever is the usual one here."""
        if self.runtime == "torch":
            raise InputError("runtime", f"{self.device} runs ncnn, not torch: leave it out")
        if self.batch != 1:
            raise InputError("batch", f"{self.device} runs one image at a time, not {self.batch}")
        object.__setattr__(self, "runtime", "ncnn")

    def __str__(self) -> str:
        """Say it in words that no other question has."""
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        place = f" on {self.resource or self.device}"
        against = f" against {self.reference}" if self.reference else ""
        return f"{self.runtime}, {threads}, batch {self.batch}{place}{against}"


@dataclass(frozen=True)
class Interval:
    """Where a value lies, with some confidence: `low <= value <= high`."""

    low: float
    high: float

    @property
    def carries(self) -> bool:
        """Say whether it is narrow enough for the value in it to be told."""
        return self.low > 0 and self.high <= CARRIED * self.low


@dataclass(frozen=True)
class Latency:
    """What timing one network gave; times are milliseconds of one inference of one batch."""

    median_ms: float
    interval_ms: Interval
    """Of the median."""
    quartiles_ms: Interval
    """Half of all samples lie between."""
    ratio: float | None = None
    """To the reference's time, in the median over paired rounds; below 1 = faster."""
    ratio_interval: Interval | None = None
    confidence: float = 0.0
    """Of the intervals, between 0 and 1."""
    samples: int = 0
    machine: str = ""

    @property
    def told_ratio(self) -> float | None:
        """Give the ratio, where the noise carries one."""
        carried = self.ratio_interval is not None and self.ratio_interval.carries
        return self.ratio if carried else None
