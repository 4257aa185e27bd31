"""A limit on the parameters of a network."""

from dataclasses import dataclass
from typing import ClassVar

from constraints.limit import ProfileLimit
from gensynth.graph.profile import Profile
from gensynth.quantity import Count


@dataclass(frozen=True)
class MaxParams(ProfileLimit):
    """At most `limit` learnable numbers, batch normalisation and the classifier included."""

    unit: ClassVar[str] = "parameters"
    limit: Count
    """Learnable numbers, above 0; also `"200k"`."""

    def cost(self, profile: Profile) -> float:
        """Return the learnable numbers."""
        return profile.params
