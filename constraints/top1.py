"""A floor for the top-1 accuracy, absolute or relative to a reference network."""

from dataclasses import dataclass
from typing import ClassVar

from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage, Verdict
from gensynth.quantity import Percent


@dataclass(frozen=True)
class Top1:
    """The measured top-1 is at least `min`, or at least `margin` above a reference's.

    With a `reference`, the floor is what that network reached after the same proxy training, plus
    `margin`; `min` is then ignored. Not judged if a measurement is missing.
    """

    needs: ClassVar[Stage] = "proxy"
    min: Percent = 75.8
    """Percent; the default is what OFA-62 reaches on ImageNet, the floor of arXiv 2208.06980."""
    reference: str | None = None
    """A preset of the space, or any MODEL, such as `timm:NAME` or `module:factory`."""
    margin: float = 0.0
    """Percentage points above the reference, or below it if negative."""

    def __post_init__(self) -> None:
        """Refuse floors that every network or none can keep."""
        if not 0 < self.min <= 100:
            raise InputError("min", f"must be above 0 and at most 100 (percent), got {self.min}")
        if not -100 < self.margin < 100:
            raise InputError("margin", f"must be between -100 and 100 (points), got {self.margin}")
        if self.margin and self.reference is None:
            raise InputError("margin", "needs a reference")

    def reference_network(self) -> str | None:
        """Return the network that is trained first, if there is one."""
        return self.reference

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Compare the last measurement with the floor."""
        floor = self._floor(candidate)
        if floor is None:
            return Verdict.not_judged(f"the reference {self.reference} is not trained yet")
        if candidate.measurement is None:
            return Verdict.not_judged(f"top-1 not known yet; at least {floor:g} % required")
        return Verdict.at_least(candidate.measurement.top1, floor, "% top-1")

    def _floor(self, candidate: Candidate) -> float | None:
        if self.reference is None:
            return self.min
        if self.reference not in candidate.references:
            return None
        reached = candidate.references[self.reference].top1 + self.margin
        # A relative violation needs a floor above zero; no network is below one image in 1e6.
        return min(max(reached, 1e-4), 100.0)
