"""What was expected of the proposals, held against what they turned out to be.

The best of many predictions is one that errs upwards (the winner's curse): of all the drafts that
are judged, those are proposed of which too much is expected. How much too much, a search can see.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gensynth.evaluation.outcome import Outcome

HESITATION = 4
"""Proposals whose errors are taken as none, beside those that were seen."""
FARTHEST = 3.0
"""Deviations beyond which an error counts as this large: a failure says little of the others."""


@dataclass
class Bets:
    """Predicted accuracies of proposals, by fingerprint: mean and deviation in percent."""

    _placed: dict[str, tuple[float, float]] = field(default_factory=dict)

    def place(self, fingerprint: str, mean: float, deviation: float) -> None:
        """Remember what is expected of a proposal."""
        self._placed[fingerprint] = mean, deviation

    def optimism(self, outcomes: Iterable[Outcome]) -> float:
        """Give the deviations by which predictions were too high, in the mean; never below 0."""
        errors = [
            (self._placed[outcome.fingerprint], outcome.top1)
            for outcome in outcomes
            if outcome.fingerprint in self._placed and outcome.ending == "completed"
        ]
        told = [(mean - top1) / width for (mean, width), top1 in errors if top1 is not None]
        kept = [min(max(error, -FARTHEST), FARTHEST) for error in told]
        return max(sum(kept) / (len(kept) + HESITATION), 0.0)
