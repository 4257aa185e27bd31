"""A measurement: the results of one epoch of a training."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """The results of one epoch, measured on the validation split."""

    epoch: int
    """Number of finished epochs, from 1."""
    top1: float
    """Share of images that are classified correctly, in percent (0 to 100)."""
    loss: float
    """Mean training loss of the epoch, in nats."""
    seconds: float
    """Wall-clock seconds since the training began, including evaluation."""
    confusion: tuple[tuple[int, ...], ...] = ()
    """Number of images by (true class, predicted class), in the last measurement only."""
    test_top1: float | None = None
    """Top-1 on the test split, in percent, in the exported network's last measurement only."""
    int8_loss: float | None = None
    """Percentage points of `top1` lost by int8 quantisation, in the last measurement, if needed."""
