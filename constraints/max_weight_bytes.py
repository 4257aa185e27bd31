"""A limit on the memory for the weights of a network."""

from dataclasses import dataclass
from typing import ClassVar

from constraints.limit import ProfileLimit
from gensynth.graph.profile import Profile
from gensynth.quantity import Bytes


@dataclass(frozen=True)
class MaxWeightBytes(ProfileLimit):
    """At most `limit` bytes of float32 weights."""

    unit: ClassVar[str] = "bytes of weights"
    limit: Bytes
    """Bytes, above 0; also `"200 kB"` (1 kB = 1,000 bytes, 1 KiB = 1,024)."""

    def cost(self, profile: Profile) -> float:
        """Return the bytes of float32 weights."""
        return profile.weight_bytes
