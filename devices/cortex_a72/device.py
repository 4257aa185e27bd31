"""The Cortex-A72 in a search: the fast model screens, the emulator confirms the finalists."""

import hashlib
import math
from functools import lru_cache
from pathlib import Path

from devices.cortex_a72.calibration import anchor
from devices.cortex_a72.convert import emulated
from devices.cortex_a72.counts import Counts
from devices.cortex_a72.fast_model import fast_model
from devices.cortex_a72.place import require
from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.latency import Interval, Latency, Question
from gensynth.graph.graph import Graph
from gensynth.graph.trace import trace
from gensynth.latency.job import LatencyJob
from gensynth.latency.reference import find_reference, fresh
from gensynth.models.by_name import Model
from gensynth.plugins import append_import_path
from gensynth.serialization import dumps, from_plain, loads, write_whole
from gensynth.space import Task

CONFIDENCE = 0.9
"""Of the intervals: nine of ten networks that the fits had not seen lie within."""


def check(question: Question, task: Task, folder: Path) -> None:
    """Raise `InputError` where the device cannot be asked, or its reference not be emulated."""
    require()
    anchor(question.threads)
    fast_model(question.threads)
    if question.reference:
        _reference(question.reference, question.threads, task, str(folder))


def measure(job: LatencyJob) -> Latency:
    """Foresee the latency of a candidate from its graph, beside its emulated reference."""
    model = _model(job)
    return foresee(job.question, trace(model.module, model.input_shape), job.task, _folder(job))


def foresee(question: Question, graph: Graph, task: Task, folder: str) -> Latency:
    """Foresee the latency of a network from its graph."""
    threads = question.threads
    fast, calibrated = fast_model(threads), anchor(threads)
    found = fast.foresee(graph)
    error = math.hypot(fast.error_90, calibrated.error_90)
    ratio_error = math.hypot(fast.error_90, calibrated.ratio_error_90)
    note = f"; extrapolated: {found.extrapolated}" if found.extrapolated else ""
    told = f"Cortex-A72, {threads} thread(s), foreseen from the graph{note}"
    base = _reference(question.reference, threads, task, folder) if question.reference else None
    return _latency(found.milliseconds, base, error, ratio_error, told)


def confirm(job: LatencyJob) -> Latency:
    """Count a candidate in emulation, beside its reference; `ConstraintError` if it cannot run."""
    question, model = job.question, _model(job)
    calibrated = anchor(question.threads)
    try:
        milliseconds = calibrated.milliseconds(_counts(model))
    except InputError as error:
        raise ConstraintError(f"latency: {error}") from error
    base = None
    if question.reference:
        base = _reference(question.reference, question.threads, job.task, _folder(job))
    told = f"Cortex-A72, {question.threads} thread(s), modelled from instructions in emulation"
    return _latency(milliseconds, base, calibrated.error_90, calibrated.ratio_error_90, told)


def _latency(
    milliseconds: float, base: float | None, error: float, ratio_error: float, told: str
) -> Latency:
    around = _around(milliseconds, error)
    ratio = milliseconds / base if base else None
    within = _around(ratio, ratio_error) if ratio is not None else None
    return Latency(milliseconds, around, around, ratio, within, CONFIDENCE, 1, told)


def _around(value: float, error: float) -> Interval:
    return Interval(value / (1 + error), value * (1 + error))


def _model(job: LatencyJob) -> Model:
    for folder in job.import_paths:
        append_import_path(folder)
    return Model("candidate", fresh(job.source), job.source.input_shape)


def _folder(job: LatencyJob) -> str:
    return job.import_paths[0] if job.import_paths else "."


@lru_cache(maxsize=16)
def _reference(name: str, threads: int, task: Task, folder: str) -> float:
    """Emulate a reference once in a process; its milliseconds."""
    model = find_reference(name, task, Path(folder))
    try:
        return anchor(threads).milliseconds(_counts(model))
    except InputError as error:
        raise InputError(f"reference {name}", error.problem) from error


def _counts(model: Model) -> Counts:
    """Count a network, once for all of its function: the cache keeps the counts."""
    parts = require()
    function = trace(model.module, model.input_shape).fingerprint
    name = hashlib.sha256(f"{function} {model.input_shape}".encode()).hexdigest()[:24]
    file = parts.folder / "counts" / f"{name}.json"
    if file.exists():
        return from_plain(Counts, loads(file.read_bytes(), str(file)), str(file))
    counts = emulated(model, parts)[0].counts
    file.parent.mkdir(exist_ok=True)
    write_whole(file, dumps(counts))
    return counts
