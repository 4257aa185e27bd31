"""A limit on the memory that the weights of a network take."""

from dataclasses import dataclass
from typing import ClassVar

from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage, Verdict


@dataclass(frozen=True)
class MaxWeightBytes:
    """No more than `limit` bytes of float32 weights."""

    needs: ClassVar[Stage] = "profile"
    limit: float
    """Bytes, above 0."""

    def __post_init__(self) -> None:
        if not self.limit > 0:
            raise InputError("limit", f"{self.limit} is not above 0")

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Compare the profile with the limit."""
        return Verdict.at_most(candidate.profile.weight_bytes, self.limit, "bytes of weights")
