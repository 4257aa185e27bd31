"""A limit on the accuracy that a network loses when it is quantised to 8 bits."""

from dataclasses import dataclass
from typing import ClassVar

from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage, Verdict


@dataclass(frozen=True)
class MaxInt8Loss:
    """The int8 form of the trained network loses at most `limit` points of validation top-1.

    After each training the network is quantised as by `gensynth export --format int8`, calibrated
    on training images, and evaluated on the validation split.
    """

    needs: ClassVar[Stage] = "proxy"
    limit: float = 1.0
    """Percentage points, above 0 and at most 100."""

    def __post_init__(self) -> None:
        """Refuse a limit that means nothing."""
        if not 0 < self.limit <= 100:
            raise InputError("limit", f"must be above 0 and at most 100 (points), got {self.limit}")

    def needs_int8_loss(self) -> bool:
        """Have the loss measured after each training."""
        return True

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Compare the measured loss with the limit."""
        measured = candidate.measurement
        if measured is None or measured.int8_loss is None:
            return Verdict.not_judged(f"not quantised yet; at most {self.limit:g} points allowed")
        return Verdict.at_most(measured.int8_loss, self.limit, "points of top-1 lost in int8")
