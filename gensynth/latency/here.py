"""Timing networks on this machine, alone on it."""

import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.latency import Latency, Question
from gensynth.latency.job import LatencyJob
from gensynth.latency.machine import alone
from gensynth.latency.paired import USUAL, Open, Plan, time_paired
from gensynth.latency.reference import find_reference, fresh
from gensynth.latency.runtimes import prepare
from gensynth.models.by_name import Model
from gensynth.plugins import append_import_path
from gensynth.process import usable_cores
from gensynth.space import Task

if TYPE_CHECKING:
    pass


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


@contextmanager
def _torch_threads(threads: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
