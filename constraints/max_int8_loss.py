"""A limit on the accuracy that a network loses when it is quantised to 8 bits."""

from dataclasses import dataclass
from typing import ClassVar

from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage, Verdict


@dataclass(frozen=True)
class MaxInt8Loss:
    """The int8 form of the trained network loses at most `limit` points of validation top-1.

    After each training the network is quantised as `gensynth export --format int8` would, its
    ranges chosen on training images, and run on the validation split.
    """

    needs: ClassVar[Stage] = "proxy"
    measures_int8: ClassVar[bool] = True
    """Tells a campaign to have it measured."""
    limit: float = 1.0
    """Percentage points, above 0."""

    def __post_init__(self) -> None:
        if not 0 < self.limit <= 100:
            raise InputError("limit", f"{self.limit} is not above 0 and at most 100 points")

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Compare the measured loss with the limit."""
        measured = candidate.measurement
        if measured is None or measured.int8_loss is None:
            return Verdict.not_judged(f"not quantised yet; at most {self.limit:g} points wanted")
        return Verdict.at_most(measured.int8_loss, self.limit, "points of top-1 lost in int8")
