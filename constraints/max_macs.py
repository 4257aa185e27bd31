"""A limit on the multiply-accumulates of one inference."""

from dataclasses import dataclass
from typing import ClassVar

from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage, Verdict


@dataclass(frozen=True)
class MaxMacs:
    """No more than `limit` multiply-accumulates of convolutions and linear layers per image."""

    needs: ClassVar[Stage] = "profile"
    limit: float
    """Multiply-accumulates of one image, above 0."""

    def __post_init__(self) -> None:
        if not self.limit > 0:
            raise InputError("limit", f"{self.limit} is not above 0")

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Compare the profile with the limit."""
        return Verdict.at_most(candidate.profile.macs, self.limit, "MACs")
