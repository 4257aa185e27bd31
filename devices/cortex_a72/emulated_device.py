"""The Cortex-A72 as a device: the fast model screens, the emulator confirms finalists."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from devices.cortex_a72.calibration import RUNTIME, anchor
from devices.cortex_a72.compare import side_by_side
from devices.cortex_a72.convert import emulated
from devices.cortex_a72.counts import Counts
from devices.cortex_a72.fast_model import fast_model
from devices.cortex_a72.install import install
from devices.cortex_a72.parts import DEVICE, require_parts
from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.latency import Interval, Latency, Question
from gensynth.graph.graph import Graph
from gensynth.graph.trace import trace
from gensynth.latency.device import Comparison
from gensynth.latency.job import LatencyJob
from gensynth.latency.reference import find_reference
from gensynth.models.by_name import Model
from gensynth.serialization import dumps, from_plain, loads, write_whole
from gensynth.space import Task

CONFIDENCE = 0.9
"""Confidence level: the intervals hold for nine of ten networks that the fits have not seen."""
FORMER_DEFAULT = "onnxruntime"
"""Experiments of earlier versions name this runtime when they mean the device's own."""


@dataclass(frozen=True)
class CortexA72:
    """A Raspberry Pi 4's processor in emulation, running ncnn."""

    def runtime(self, asked: str, /) -> str:
        """Return `ncnn`, the only runtime that the emulation is calibrated for."""
        if asked not in ("", RUNTIME, FORMER_DEFAULT):
            raise InputError("runtime", f"{DEVICE} runs {RUNTIME}, not {asked}: leave it out")
        return RUNTIME

    def check(self, question: Question, task: Task, folder: Path, /) -> None:
        """Raise `InputError` if the emulation is not installed or cannot run the reference."""
        _require_one_image(question)
        require_parts()
        anchor(question.threads)
        fast_model(question.threads)
        if question.reference:
            _reference(question.reference, question.threads, task, folder)

    def measure(self, job: LatencyJob, /) -> Latency:
        """Predict the latency of a candidate from its graph; its reference is emulated."""
        model = job.model()
        graph = trace(model.module, model.input_shape)
        return self.foresee_latency(job.question, graph, job.task, job.folder)

    def foresee_latency(
        self, question: Question, graph: Graph, task: Task, folder: Path, /
    ) -> Latency:
        """Predict the latency of a network from its graph."""
        threads = question.threads
        fast, calibrated = fast_model(threads), anchor(threads)
        found = fast.foresee(graph)
        error = math.hypot(fast.error_90, calibrated.error_90)
        ratio_error = math.hypot(fast.error_90, calibrated.ratio_error_90)
        note = f"; extrapolated: {found.extrapolated}" if found.extrapolated else ""
        how = f"Cortex-A72, {threads} thread(s), predicted from the graph{note}"
        base = _base(question, task, folder)
        return _latency(found.milliseconds, base, error, ratio_error, how)

    def confirm_latency(self, job: LatencyJob, /) -> Latency:
        """Count a candidate in emulation; `ConstraintError` if it cannot run there."""
        question, model = job.question, job.model()
        calibrated = anchor(question.threads)
        try:
            milliseconds = calibrated.milliseconds(_counts(model))
        except InputError as error:
            raise ConstraintError(f"latency: {error}") from error
        base = _base(question, job.task, job.folder)
        how = f"Cortex-A72, {question.threads} thread(s), modelled from instructions in emulation"
        return _latency(milliseconds, base, calibrated.error_90, calibrated.ratio_error_90, how)

    def set_up(self, say: Callable[[str], None], /) -> None:
        """Download the parts of the emulation, compile the plugin, and try it."""
        install(say)

    def compare_networks(
        self, models: Sequence[Model], question: Question, rounds: int | None, /
    ) -> Comparison:
        """Count networks in emulation."""
        if rounds is not None:
            raise InputError("rounds", f"{DEVICE} is counted, not timed: leave it out")
        _require_one_image(question)
        return side_by_side(models, question)


def _require_one_image(question: Question) -> None:
    if question.batch != 1:
        raise InputError("batch", f"{DEVICE} runs one image at a time, not {question.batch}")


def _latency(
    milliseconds: float, base: float | None, error: float, ratio_error: float, how: str
) -> Latency:
    around = _around(milliseconds, error)
    ratio = milliseconds / base if base else None
    within = _around(ratio, ratio_error) if ratio is not None else None
    return Latency(milliseconds, around, around, ratio, within, CONFIDENCE, 1, how)


def _around(value: float, error: float) -> Interval:
    return Interval(value / (1 + error), value * (1 + error))


def _base(question: Question, task: Task, folder: Path) -> float | None:
    """Return the milliseconds of the question's reference, if it has one."""
    name = question.reference
    return _reference(name, question.threads, task, folder) if name else None


@lru_cache(maxsize=16)
def _reference(name: str, threads: int, task: Task, folder: Path) -> float:
    """Return the milliseconds of a reference, which is emulated once per process."""
    model = find_reference(name, task, folder)
    try:
        return anchor(threads).milliseconds(_counts(model))
    except InputError as error:
        raise InputError(f"reference {name}", error.problem) from error


def _counts(model: Model) -> Counts:
    """Count a network. Counts are cached, and networks that compute the same share them."""
    parts = require_parts()
    function = trace(model.module, model.input_shape).fingerprint
    name = hashlib.sha256(f"{function} {model.input_shape}".encode()).hexdigest()[:24]
    file = parts.folder / "counts" / f"{name}.json"
    if file.exists():
        return from_plain(Counts, loads(file.read_bytes(), str(file)), str(file))
    counts = emulated(model, parts)[0].counts
    file.parent.mkdir(exist_ok=True)
    write_whole(file, dumps(counts))
    return counts
