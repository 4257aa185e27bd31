"""Timing networks on this machine, alone on it."""

import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.constraint import ConstraintError
from gensynth.cores import usable_cores
from gensynth.errors import InputError
from gensynth.latency.machine import alone
from gensynth.latency.paired import USUAL, Open, Plan, time_paired
from gensynth.latency.runtimes import check as check_runtime
from gensynth.latency.runtimes import prepare
from gensynth.latency.terms import CONFIRMED, CORTEX_A72, DEVICES, HERE, Latency, Question
from gensynth.models import Model, find_model
from gensynth.plugins import append_import_path
from gensynth.space import Source, Task, make

if TYPE_CHECKING:
    from torch import nn


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
        import_module("gensynth.cortex_a72.device").check(question, task, folder)
    elif question.reference:
        find_reference(question.reference, task, folder)


def check_threads(threads: int) -> None:
    """Raise `InputError` where threads would wait for each other: there are fewer cores."""
    if threads > usable_cores():
        cores = usable_cores()
        problem = f"expected at most {cores}, the cores that may be used here, got {threads}"
        raise InputError("threads", problem)


def find_reference(name: str, task: Task, folder: Path) -> Model:
    """Build a reference, leaving torch's random numbers alone; a file is looked up in `folder`."""
    import torch

    found = str(folder / name) if (folder / name).exists() else name
    try:
        with torch.random.fork_rng(devices=[]):
            return find_model(found, task, folder)
    except InputError as error:
        told = error.problem if error.place in (name, found) else str(error)
        raise InputError(f"reference {name}", told) from error


def measure(job: LatencyJob) -> Latency:
    """Time a network on this machine, beside its reference where it has one.

    `ConstraintError` where it cannot run, `InputError` where the fault is not the candidate's.
    """
    question = job.question
    for folder in job.import_paths:
        append_import_path(folder)
    model = Model("candidate", fresh(job.source), job.source.input_shape)
    try:
        networks = [prepare(model, question.runtime, question.threads, question.batch)]
    except InputError as error:
        raise ConstraintError(f"latency: {error}") from error
    if question.reference:
        networks.append(_reference(question, job.task, job.import_paths))
    return timed(networks, question.threads, 1 if question.reference else None)[0]


def timed(
    networks: Sequence[Open], threads: int, reference: int | None, plan: Plan = USUAL
) -> list[Latency]:
    """Time networks that were prepared, once the machine is quiet."""
    with _torch_threads(threads), alone():
        return time_paired(networks, reference, plan, machine_name())


def machine_name() -> str:
    """Say what this machine is: processor architecture and cores that may be used."""
    return f"{platform.machine()}, {usable_cores()} cores, {platform.system()}"


@lru_cache(maxsize=4)
def _reference(question: Question, task: Task, folders: tuple[str, ...]) -> Open:
    """Prepare a reference once in a process: its translation takes longer than its timing."""
    folder = Path(folders[0] if folders else ".")
    model = find_reference(question.reference, task, folder)
    return prepare(model, question.runtime, question.threads, question.batch)


def fresh(source: Source) -> "nn.Module":
    """Build a network without disturbing torch's random numbers; latency needs no weights."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make(source)


@contextmanager
def _torch_threads(threads: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
