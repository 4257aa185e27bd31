"""What constraints with an upper limit share."""

from dataclasses import dataclass
from typing import ClassVar

from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage, Verdict
from gensynth.graph.profile import Profile


def require_positive(limit: float) -> None:
    """Raise `InputError` unless a limit is above 0: violations are relative to it."""
    if not limit > 0:
        raise InputError("limit", f"must be above 0, got {limit}")


@dataclass(frozen=True)
class ProfileLimit:
    """One figure of the profile is at most `limit`; a subclass names the figure and its unit."""

    needs: ClassVar[Stage] = "profile"
    unit: ClassVar[str]
    counted: ClassVar[bool] = False
    """Whether the figure is added up over operators, so that an unknown one may raise it."""
    limit: float
    """Above 0."""

    def __post_init__(self) -> None:
        """Refuse a limit that no network can keep."""
        require_positive(self.limit)

    def cost(self, profile: Profile) -> float:
        """Return the figure that is limited."""
        raise NotImplementedError

    def figure(self, candidate: Candidate) -> float:
        """Return the figure that is limited, if the profile is not enough to know it."""
        return self.cost(candidate.profile)

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Compare the profile with the limit; a lower bound that keeps it proves nothing."""
        profile = candidate.profile
        verdict = Verdict.at_most(self.figure(candidate), self.limit, self.unit)
        if self.counted and profile.uncounted and verdict.ok:
            return Verdict.not_judged(profile.not_known)
        return verdict
