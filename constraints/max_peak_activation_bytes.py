"""A limit on the memory for the activations of a network."""

from dataclasses import dataclass
from typing import ClassVar

from constraints.limit import ProfileLimit
from gensynth.graph.profile import Profile
from gensynth.quantity import Bytes


@dataclass(frozen=True)
class MaxPeakActivationBytes(ProfileLimit):
    """At most `limit` bytes of float32 activations alive at the same time, at batch 1."""

    counted: ClassVar[bool] = True
    unit: ClassVar[str] = "bytes of live activations"
    limit: Bytes
    """Bytes, above 0; also `"64 kB"` (1 kB = 1,000 bytes, 1 KiB = 1,024)."""

    def cost(self, profile: Profile) -> float:
        """Return the bytes at the peak."""
        return profile.peak_activation_bytes
