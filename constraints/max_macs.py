"""A limit on the multiply-accumulates of one inference."""

from dataclasses import dataclass
from typing import ClassVar

from constraints.limit import ProfileLimit
from gensynth.graph.profile import Profile
from gensynth.quantity import Count


@dataclass(frozen=True)
class MaxMacs(ProfileLimit):
    """At most `limit` multiply-accumulates of convolutions and linear layers for each image."""

    counted: ClassVar[bool] = True
    unit: ClassVar[str] = "MACs"
    limit: Count
    """Multiply-accumulates, above 0; also `"5M"`."""

    def cost(self, profile: Profile) -> float:
        """Return the multiply-accumulates of one image."""
        return profile.macs
