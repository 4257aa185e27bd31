"""A limit on the multiply-accumulates of one inference."""

from dataclasses import dataclass
from typing import ClassVar

from constraints.limit import ProfileLimit
from gensynth.graph.profile import Profile


@dataclass(frozen=True)
class MaxMacs(ProfileLimit):
    """At most `limit` multiply-accumulates of convolutions and linear layers for each image."""

    counted: ClassVar[bool] = True
    unit: ClassVar[str] = "MACs"

    def cost(self, profile: Profile) -> float:
        """Return the multiply-accumulates of one image."""
        return profile.macs
