"""A measurement: one line of a training in progress."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """What one epoch of a training showed on the split that chooses (validation)."""

    epoch: int
    """Epochs finished, from 1."""
    top1: float
    """Share of images classified right, in percent (0 to 100)."""
    loss: float
    """Mean training loss of the epoch, in nats."""
    seconds: float
    """Wall-clock time since the training began, evaluation included."""
    confusion: tuple[tuple[int, ...], ...] = ()
    """Images counted by (true class, predicted class); of a final measurement only."""
    test_top1: float | None = None
    """Percent on the test split: of the exported network's last measurement only."""
    int8_loss: float | None = None
    """Points of `top1` that the network's int8 form loses; of a final measurement, if asked for."""
