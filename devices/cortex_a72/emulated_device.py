"""The Cortex-A72 as a device: the fast model screens, the emulator confirms finalists."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from devices.cortex_a72.calibration import RUNTIME, anchor
from devices.cortex_a72.compare import side_by_side
from devices.cortex_a72.convert import emulated
from devices.cortex_a72.counts import Counts
from devices.cortex_a72.fast_model import fast_model
from devices.cortex_a72.install import install
from devices.cortex_a72.parts import DEVICE, require_parts
from devices.emulated import Emulated, around, reference_figure
from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.latency import Latency, Question
from gensynth.graph.graph import Graph
from gensynth.graph.trace import trace
from gensynth.latency.device import Comparison
from gensynth.latency.job import LatencyJob
from gensynth.models.by_name import Model
from gensynth.serialization import dumps, from_plain, loads, write_whole
from gensynth.space import Task

FORMER_DEFAULT = "onnxruntime"
"""Experiments of earlier versions name this runtime when they mean the device's own."""


@dataclass(frozen=True)
class CortexA72(Emulated):
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
        reference_figure(question, task, folder, _milliseconds)

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
        base = reference_figure(question, task, folder, _milliseconds)
        return self.answer(found.figure, around(found.figure, error), base, ratio_error, how)

    def confirm_latency(self, job: LatencyJob, /) -> Latency:
        """Count a candidate in emulation; `ConstraintError` if it cannot run there."""
        question, model = job.question, job.model()
        calibrated = anchor(question.threads)
        try:
            figure = _milliseconds(model, question)
        except InputError as error:
            raise ConstraintError(f"latency: {error}") from error
        base = reference_figure(question, job.task, job.folder, _milliseconds)
        how = f"Cortex-A72, {question.threads} thread(s), modelled from instructions in emulation"
        interval = around(figure, calibrated.error_90)
        return self.answer(figure, interval, base, calibrated.ratio_error_90, how)

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


def _milliseconds(model: Model, question: Question) -> float:
    return anchor(question.threads).milliseconds(_counts(model))


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
