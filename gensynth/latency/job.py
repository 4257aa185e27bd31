"""One measurement of latency as plain data, and who answers it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from gensynth.errors import InputError
from gensynth.evaluation.latency import CONFIRMED, CORTEX_A72, DEVICES, HERE, Latency, Question
from gensynth.latency.reference import find_reference
from gensynth.latency.runtimes import check as check_runtime
from gensynth.process import check_threads
from gensynth.space import Source, Task


@dataclass(frozen=True)
class LatencyJob:
    """One measurement, as plain data: it may cross to another machine."""

    source: Source
    """Builds the network that is measured."""
    question: Question
    task: Task
    """What a reference is built for."""
    import_paths: tuple[str, ...] = field(default_factory=tuple)
    """Folders appended to `sys.path` before the source is imported."""


Stopwatch = Callable[[LatencyJob], Latency]


def answer(job: LatencyJob) -> Latency:
    """Answer a question by whatever its device names."""
    return _by(DEVICES[job.question.device], job)


def confirm(job: LatencyJob) -> Latency:
    """Answer a question about a device of `CONFIRMED` exactly; `ConstraintError` if it cannot."""
    return _by(CONFIRMED[job.question.device], job)


def _by(name: str, job: LatencyJob) -> Latency:
    module, _, function = name.partition(":")
    latency: Latency = getattr(import_module(module), function)(job)
    return latency


def answer_here(job: LatencyJob) -> Latency:
    """Answer in this process; `InputError` where the question is about another machine."""
    if job.question.resource:
        problem = f"no Ray cluster was joined that could offer {job.question.resource!r}"
        raise InputError("resource", problem)
    return answer(job)


def check(question: Question, task: Task, folder: Path) -> None:
    """Raise `InputError` where a runtime is not installed or a reference cannot be built."""
    if not question.resource:
        check_runtime(question.runtime)
        if question.device == HERE:
            check_threads(question.threads)
    if question.device == CORTEX_A72:
        import_module("devices.cortex_a72.device").check(question, task, folder)
    elif question.reference:
        find_reference(question.reference, task, folder)
