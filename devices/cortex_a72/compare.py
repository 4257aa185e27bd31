"""Compares networks on the emulated Cortex-A72, in calibrated milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from devices.cortex_a72.calibration import Anchor, anchor
from devices.cortex_a72.convert import emulated
from devices.cortex_a72.counts import Counts
from devices.cortex_a72.parts import require_parts
from gensynth.evaluation.latency import Question
from gensynth.latency.device import Comparison
from gensynth.models.by_name import Model
from gensynth.serialization import to_plain

COLUMNS = (
    "model",
    "input",
    "M instructions",
    "fma",
    "MB moved",
    "L2 misses k",
    "model ms",
    "ratio",
)


@dataclass(frozen=True)
class Emulation:
    """The cost of one inference on the emulated processor."""

    model: str
    input_shape: tuple[int, int, int]
    counts: Counts
    milliseconds: float
    """Modelled from the counts, not measured."""
    anchor: Anchor

    @property
    def extrapolated(self) -> bool:
        """Whether it is faster or slower than every network of the calibration."""
        return self.anchor.extrapolates(self.milliseconds)


def emulate_model(model: Model, threads: int = 1) -> Emulation:
    """Convert a network, run it at batch 1, check its output, and count.

    With more than one thread the counts are still those of one thread, and the milliseconds come
    from the calibration for that number of threads. Raises `InputError` if the emulation is not
    prepared, ncnn cannot express the network, or that number of threads was never calibrated.
    """
    calibrated, parts = anchor(threads), require_parts()
    counts = emulated(model, parts)[0].counts
    milliseconds = calibrated.milliseconds(counts)
    return Emulation(model.name, model.input_shape, counts, milliseconds, calibrated)


def side_by_side(models: Sequence[Model], question: Question) -> Comparison:
    """Count each network in emulation; nothing is timed, so any machine gives the same counts."""
    found = [emulate_model(model, question.threads) for model in models]
    return Comparison(
        columns=COLUMNS,
        table=tuple(_cells(each, found[0]) for each in found),
        note=_note(found, question.threads),
        rows=tuple(_row(each, found[0], question) for each in found),
    )


def _row(each: Emulation, first: Emulation, question: Question) -> dict[str, Any]:
    return {
        "model": each.model,
        "input_shape": list(each.input_shape),
        "device": question.device,
        "runtime": question.runtime,
        "threads": question.threads,
        "batch": question.batch,
        "counts": to_plain(each.counts),
        "modelled_ms": each.milliseconds,
        "extrapolated": each.extrapolated,
        "reference": first.model,
        "ratio": each.milliseconds / first.milliseconds,
        "calibration": to_plain(each.anchor),
    }


def _cells(each: Emulation, first: Emulation) -> tuple[str, ...]:
    counts = each.counts
    mark = "*" if each.extrapolated else ""
    return (
        each.model,
        "x".join(map(str, each.input_shape)),
        f"{counts.instructions / 1e6:.4g}",
        f"{counts.fma / counts.instructions:.0%}",
        f"{(counts.read_bytes + counts.written_bytes) / 1e6:.4g}",
        f"{counts.l2_misses / 1e3:.4g}",
        f"{each.milliseconds:.4g}{mark}",
        f"{each.milliseconds / first.milliseconds:.3g}",
    )


def _note(found: Sequence[Emulation], threads: int) -> str:
    several = f"; the milliseconds are those of {threads} threads" if threads > 1 else ""
    text = (
        "instructions of ncnn's arm64 kernels on an emulated Cortex-A72, one inference on one "
        f"thread after a warm-up, and traffic through its simulated caches{several}. The "
        f"milliseconds are modelled, not measured: {found[0].anchor}; a ratio is within "
        f"{found[0].anchor.ratio_error_90:.1%} for nine of ten pairs"
    )
    if any(each.extrapolated for each in found):
        low, high = found[0].anchor.from_ms, found[0].anchor.to_ms
        text += f"; * = extrapolated: outside the {low:.4g} to {high:.4g} ms of these networks"
    return text
