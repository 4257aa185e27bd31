"""A limit on the memory for the weights of a network."""

from dataclasses import dataclass
from typing import ClassVar

from constraints.limit import ProfileLimit
from gensynth.graph.profile import Profile


@dataclass(frozen=True)
class MaxWeightBytes(ProfileLimit):
    """At most `limit` bytes of float32 weights."""

    unit: ClassVar[str] = "bytes of weights"

    def cost(self, profile: Profile) -> float:
        """Return the bytes of float32 weights."""
        return profile.weight_bytes
