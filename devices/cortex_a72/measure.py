"""A network on the emulated Cortex-A72: counted, checked, in calibrated milliseconds."""

from dataclasses import dataclass

from devices.cortex_a72.calibration import Anchor, anchor
from devices.cortex_a72.convert import emulated
from devices.cortex_a72.counts import Counts
from devices.cortex_a72.place import require
from gensynth.models.by_name import Model


@dataclass(frozen=True)
class Emulation:
    """What one inference costs on the emulated processor."""

    model: str
    input_shape: tuple[int, int, int]
    counts: Counts
    milliseconds: float
    """Modelled from the counts, not measured."""
    anchor: Anchor

    @property
    def extrapolated(self) -> bool:
        """Whether no network so fast, or so slow, was there to calibrate on."""
        return self.anchor.extrapolates(self.milliseconds)


def emulate_model(model: Model, threads: int = 1) -> Emulation:
    """Convert, run, check and count a network, at batch 1.

    `InputError` where the emulation is not prepared, the network cannot be expressed in ncnn, or
    nothing was measured with so many threads. With more than one thread, the counts are still
    those of one, and the milliseconds those of the anchor of so many.
    """
    calibrated, parts = anchor(threads), require()
    counts = emulated(model, parts)[0].counts
    milliseconds = calibrated.milliseconds(counts)
    return Emulation(model.name, model.input_shape, counts, milliseconds, calibrated)
