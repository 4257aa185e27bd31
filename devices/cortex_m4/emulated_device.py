"""The Cortex-M4 as a device: the fast model screens, the emulator confirms finalists.

Its figures are instructions. No published measurement of a board turns them into milliseconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from devices.cortex_m4.fast_model import fast_model
from devices.cortex_m4.firmware import DEVICE, PER_TICK, UNIT, instructions, require_programs
from devices.emulated import Emulated, around, reference_figure
from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.latency import Interval, Latency, Question
from gensynth.graph.graph import Graph
from gensynth.latency.device import Comparison
from gensynth.latency.job import LatencyJob
from gensynth.models.by_name import Model
from gensynth.space import Task

RUNTIME = "c"
NOTE = (
    "instructions of generated C code in float32 (gcc -O3) on QEMU's Cortex-M4, for one image with "
    f"its normalisation, to the nearest {PER_TICK}; they are neither cycles nor milliseconds"
)


@dataclass(frozen=True)
class CortexM4(Emulated):
    """A Cortex-M4 in emulation that runs the C code of an export; its figures are instructions."""

    unit: ClassVar[str] = UNIT

    def runtime(self, asked: str, /) -> str:
        """Return `c`, the only runtime."""
        if asked not in ("", RUNTIME):
            raise InputError("runtime", f"{DEVICE} runs {RUNTIME}, not {asked}: leave it out")
        return RUNTIME

    def check(self, question: Question, task: Task, folder: Path, /) -> None:
        """Raise `InputError` if firmware cannot be built here, or the reference does not run."""
        _require_one_image(question)
        require_programs()
        reference_figure(question, task, folder, _count)

    def foresee_latency(
        self, question: Question, graph: Graph, task: Task, folder: Path, /
    ) -> Latency:
        """Predict the instructions of a network from its graph."""
        fast = fast_model()
        found = fast.foresee(graph)
        note = f"; extrapolated: {found.extrapolated}" if found.extrapolated else ""
        how = f"Cortex-M4, predicted from the graph{note}"
        base = reference_figure(question, task, folder, _count)
        interval = around(found.figure, fast.error_90)
        return self.answer(found.figure, interval, base, fast.error_90, how)

    def confirm_latency(self, job: LatencyJob, /) -> Latency:
        """Count a candidate in emulation; `ConstraintError` if it cannot run there."""
        try:
            count = instructions(job.model())
        except InputError as error:
            raise ConstraintError(f"latency: {error}") from error
        base = reference_figure(job.question, job.task, job.folder, _count)
        exact, how = Interval(count - PER_TICK, count + PER_TICK), "Cortex-M4, counted in emulation"
        return self.answer(count, exact, base, PER_TICK / count, how)

    def set_up(self, say: Callable[[str], None], /) -> None:
        """Check that firmware can be built and run, by a network of one convolution."""
        require_programs()
        say("a test run: one convolution")
        trial = _trial()
        first, again = instructions(trial), instructions(trial)
        if first != again or not 1e4 < first < 1e7:
            raise InputError(DEVICE, f"counts {first:,} instructions, then {again:,}")
        say(f"ready: {first:,} instructions, the same twice")

    def compare_networks(
        self, models: Sequence[Model], question: Question, rounds: int | None, /
    ) -> Comparison:
        """Count networks in emulation."""
        if rounds is not None:
            raise InputError("rounds", f"{DEVICE} is counted, not timed: leave it out")
        _require_one_image(question)
        counts = [instructions(model) for model in models]
        rows = tuple(
            {
                "model": model.name,
                "input_shape": list(model.input_shape),
                "device": question.device,
                "runtime": question.runtime,
                "instructions": count,
                "reference": models[0].name,
                "ratio": count / counts[0],
            }
            for model, count in zip(models, counts, strict=True)
        )
        table = tuple(
            (m.name, "x".join(map(str, m.input_shape)), f"{n / 1e6:.4g}", f"{n / counts[0]:.3g}")
            for m, n in zip(models, counts, strict=True)
        )
        return Comparison(("model", "input", "M instructions", "ratio"), table, NOTE, rows)


def _require_one_image(question: Question) -> None:
    if question.batch != 1 or question.threads != 1:
        raise InputError("batch, threads", f"{DEVICE} runs one image on one thread")


def _count(model: Model, question: Question) -> float:
    return float(instructions(model))


def _trial() -> Model:
    from torch import nn

    layers = (nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Model("trial", nn.Sequential(*layers).eval(), (3, 8, 8))
