"""The contract of a device: what answers questions about latency on one kind of machine.

A device is a frozen dataclass without required fields. It is found by the name of an entry point
(group `gensynth.devices`) or as `module:class` next to the experiment. Abilities that only some
devices have are declared by separate protocols. docs/device.md explains how to write one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from gensynth.errors import InputError
from gensynth.evaluation.latency import Latency, Question, RunsNetworks
from gensynth.graph.graph import Graph
from gensynth.latency.job import LatencyJob
from gensynth.models.by_name import Model
from gensynth.plugins import create
from gensynth.space import Task


@runtime_checkable
class Device(RunsNetworks, Protocol):
    """Answers how long an inference takes on one kind of machine."""

    def runtime(self, asked: str, /) -> str:
        """Return the runtime that answers a question which asks for `asked`.

        An empty `asked` means the device's own choice. Raises `InputError("runtime", ...)` if the
        device does not have that runtime.
        """
        ...

    def check(self, question: Question, task: Task, folder: Path, /) -> None:
        """Raise `InputError` with the remedy if the question cannot be answered.

        Called once, before anything is trained. `folder` is the experiment's, `task` is what a
        reference is built for.
        """
        ...

    def measure(self, job: LatencyJob, /) -> Latency:
        """Return the latency of a candidate, and its ratio if the question has a reference.

        Raises `ConstraintError` if the candidate cannot run, and `InputError` for any other fault.
        """
        ...


@runtime_checkable
class ForeseesLatency(Protocol):
    """A device that predicts latency from the graph alone, fast enough to screen candidates."""

    def foresee_latency(
        self, question: Question, graph: Graph, task: Task, folder: Path, /
    ) -> Latency:
        """Predict the latency of a network."""
        ...


@runtime_checkable
class ConfirmsLatency(Protocol):
    """A device whose `measure` only predicts, and which can measure the few finalists exactly."""

    def confirm_latency(self, job: LatencyJob, /) -> Latency:
        """Measure a finalist; `ConstraintError` if it cannot run."""
        ...


@runtime_checkable
class NeedsSetup(Protocol):
    """A device that `gensynth device setup NAME` prepares."""

    def set_up(self, say: Callable[[str], None], /) -> None:
        """Prepare the device unless it is ready, and pass a line to `say` for each step."""
        ...


@dataclass(frozen=True)
class Comparison:
    """Networks side by side, ready to be printed."""

    columns: tuple[str, ...]
    table: tuple[tuple[str, ...], ...]
    """The cells of each network."""
    note: str
    """How the figures came about, in a sentence."""
    rows: tuple[Mapping[str, Any], ...]
    """The same as plain data."""


@runtime_checkable
class ComparesNetworks(Protocol):
    """A device for `gensynth compare --device NAME`."""

    def compare_networks(
        self, models: Sequence[Model], question: Question, rounds: int | None, /
    ) -> Comparison:
        """Compare networks with the first one.

        `rounds` is the number of samples in a block; None means the default. Raises `InputError`
        if a network cannot run, or if `rounds` means nothing to the device.
        """
        ...


@lru_cache(maxsize=64)
def find_device(name: str, folder: Path | None = None) -> Device:
    """Return the device `name`, made once; `InputError` if there is none or it fails to load."""
    device = create("device", name, {}, "device", folder)
    if not isinstance(device, Device):
        problem = f"{name!r} is not a device: it needs the methods runtime, check and measure"
        raise InputError("device", problem)
    return device


def check_question(question: Question, task: Task, folder: Path) -> None:
    """Raise `InputError` if a question cannot be answered."""
    device = find_device(question.device, folder)
    device.runtime(question.runtime)
    device.check(question, task, folder)


def answer(job: LatencyJob) -> Latency:
    """Answer a question by its device."""
    return find_device(job.question.device, job.folder).measure(job)


def answer_here(job: LatencyJob) -> Latency:
    """Answer in this process; `InputError` if the question is about another machine."""
    if job.question.resource:
        problem = f"{job.question.resource!r} needs a Ray cluster that offers it"
        raise InputError("resource", problem)
    return answer(job)


def confirms(question: Question, folder: Path) -> bool:
    """Whether the device of a question measures finalists more exactly than candidates."""
    return isinstance(find_device(question.device, folder), ConfirmsLatency)


def confirm(job: LatencyJob) -> Latency:
    """Measure a finalist on a device that `confirms`; `ConstraintError` if it cannot run."""
    device = find_device(job.question.device, job.folder)
    if not isinstance(device, ConfirmsLatency):
        raise InputError("device", f"{job.question.device} does not confirm latencies")
    return device.confirm_latency(job)
