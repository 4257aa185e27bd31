"""A floor for the balanced accuracy: the mean sensitivity of the classes."""

from dataclasses import dataclass
from typing import ClassVar

from gensynth.errors import InputError
from gensynth.evaluation.class_measures import measured_balance
from gensynth.evaluation.constraint import Candidate, Stage, Verdict
from gensynth.quantity import Percent


@dataclass(frozen=True)
class BalancedAccuracy:
    """The mean sensitivity of the classes is at least `min`: small classes count as much as large.

    It is measured on the validation split after the last epoch, with up to 100 classes. In the
    finals it must hold on a lower bound: it is lowered by as many points as top-1 is. Always
    predicting the commonest class does not increase it (Brodersen et al. 2010).
    """

    needs: ClassVar[Stage] = "proxy"
    min: Percent = 75.0
    """Percent."""

    def __post_init__(self) -> None:
        """Refuse floors that every network or none can keep."""
        if not 0 < self.min <= 100:
            problem = f"must be greater than 0 and at most 100 (percent), got {self.min}"
            raise InputError("min", problem)

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Compare the measured balanced accuracy with the floor."""
        found = measured_balance(candidate.measurement)
        if found is None:
            problem = "balanced accuracy is not known yet (or there are more than 100 classes)"
            return Verdict.not_judged(f"{problem}; at least {self.min:g} % required")
        return Verdict.at_least(found, self.min, "% balanced accuracy")
