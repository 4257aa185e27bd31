"""The Cortex-M4 as a device: it counts instructions, which are not milliseconds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from devices.cortex_m4.firmware import DEVICE, PER_TICK, instructions, require_programs
from gensynth.errors import InputError
from gensynth.evaluation.latency import Latency, Question
from gensynth.latency.device import Comparison
from gensynth.latency.job import LatencyJob
from gensynth.models.by_name import Model
from gensynth.space import Task

RUNTIME = "c"
REFUSED = (
    "counts instructions, and no published measurement of a board turns them into milliseconds: "
    "use it in `gensynth compare`"
)
NOTE = (
    "instructions of generated C code in float32 (gcc -O3) on QEMU's Cortex-M4, for one image with "
    f"its normalisation, to the nearest {PER_TICK}; they are neither cycles nor milliseconds"
)


@dataclass(frozen=True)
class CortexM4:
    """A Cortex-M4 in emulation that runs the C code of an export."""

    def runtime(self, asked: str, /) -> str:
        """Return `c`, the only runtime."""
        if asked not in ("", RUNTIME):
            raise InputError("runtime", f"{DEVICE} runs {RUNTIME}, not {asked}: leave it out")
        return RUNTIME

    def check(self, question: Question, task: Task, folder: Path, /) -> None:
        """Refuse to answer in milliseconds."""
        raise InputError("device", f"{DEVICE} {REFUSED}")

    def measure(self, job: LatencyJob, /) -> Latency:
        """Refuse to answer in milliseconds."""
        raise InputError("device", f"{DEVICE} {REFUSED}")

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
        if question.batch != 1 or question.threads != 1:
            raise InputError("batch, threads", f"{DEVICE} runs one image on one thread")
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


def _trial() -> Model:
    from torch import nn

    layers = (nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Model("trial", nn.Sequential(*layers).eval(), (3, 8, 8))
