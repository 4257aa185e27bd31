"""A limit on the parameters of a network."""

from dataclasses import dataclass
from typing import ClassVar

from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage, Verdict


@dataclass(frozen=True)
class MaxParams:
    """No more than `limit` learnable numbers, batch normalisation and head included."""

    needs: ClassVar[Stage] = "profile"
    limit: float
    """Learnable numbers, above 0."""

    def __post_init__(self) -> None:
        if not self.limit > 0:
            raise InputError("limit", f"{self.limit} is not above 0")

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Compare the profile with the limit."""
        return Verdict.at_most(candidate.profile.params, self.limit, "parameters")
