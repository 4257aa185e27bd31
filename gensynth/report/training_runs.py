"""What experiment trackers keep of one training: its curves, its final figures, its facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gensynth.evaluation.outcome import Outcome


@dataclass(frozen=True)
class TrainingRun:
    """One training, as a run of a tracker; names hold letters, spaces and hyphens only."""

    name: str
    curves: Mapping[str, Sequence[tuple[int, float]]]
    """(epoch, value) by name."""
    figures: Mapping[str, float]
    """What is known at the end, by name."""
    facts: Mapping[str, str]

    @property
    def last_epoch(self) -> int:
        """The epoch of the last measurement."""
        return max(epoch for points in self.curves.values() for epoch, _ in points)


def training_run(outcome: Outcome) -> TrainingRun | None:
    """Return what trackers keep of a candidate; None if it was not trained."""
    if not outcome.curve or outcome.attempt == 0:
        return None
    # The exported network trained on the validation split, so it has no validation top-1.
    accuracy = "training top-1" if outcome.purpose == "export" else "validation top-1"
    curves = {
        accuracy: [(m.epoch, m.top1) for m in outcome.curve],
        "training loss": [(m.epoch, m.loss) for m in outcome.curve],
    }
    costs, latest = outcome.profile, outcome.curve[-1]
    figures = {
        "value": outcome.value,
        "parameters": costs.params if costs else None,
        "MACs": costs.macs if costs else None,
        "test top-1": latest.test_top1,
    }
    facts = {
        "genome": outcome.genome_id,
        "purpose": outcome.purpose,
        "ending": outcome.ending,
        "training seed": str(outcome.training_seed),
    }
    name = f"{outcome.number:05d}-{outcome.purpose}-{outcome.genome_id[:12]}"
    return TrainingRun(name, curves, {k: v for k, v in figures.items() if v is not None}, facts)
