"""A limit on the memory that the activations of a network take at once."""

from dataclasses import dataclass
from typing import ClassVar

from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage, Verdict


@dataclass(frozen=True)
class MaxPeakActivationBytes:
    """No more than `limit` bytes of float32 activations alive at one time, at batch 1."""

    needs: ClassVar[Stage] = "profile"
    limit: float
    """Bytes, above 0."""

    def __post_init__(self) -> None:
        if not self.limit > 0:
            raise InputError("limit", f"{self.limit} is not above 0")

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Compare the profile with the limit."""
        return Verdict.at_most(
            candidate.profile.peak_activation_bytes, self.limit, "bytes of live activations"
        )
