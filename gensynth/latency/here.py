"""The device `here`: networks timed on this machine, alternately and without other trainings."""

import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from gensynth.errors import InputError, unknown
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.latency import Latency, Question
from gensynth.latency.device import Comparison
from gensynth.latency.files import FileModel
from gensynth.latency.job import LatencyJob
from gensynth.latency.machine import ALONE, alone
from gensynth.latency.paired import USUAL, Open, TimingPlan, time_paired
from gensynth.latency.reference import find_reference
from gensynth.latency.runtimes import RUNTIMES, check_runtime, prepare
from gensynth.models.by_name import Model
from gensynth.process import check_threads, usable_cores
from gensynth.space import Task

Timed = Model | FileModel
"""What is timed: a network, or an exported file."""


@dataclass(frozen=True)
class Here:
    """The machine that the measuring process runs on."""

    def runtime(self, asked: str, /) -> str:
        """Return `onnxruntime` unless another runtime is asked for."""
        if asked and asked not in RUNTIMES:
            raise unknown("runtime", "runtime", asked, RUNTIMES)
        return asked or RUNTIMES[0]

    def check(self, question: Question, task: Task, folder: Path, /) -> None:
        """Check the runtime and threads of this machine, and that the reference can be built."""
        if not question.resource:
            check_runtime(question.runtime)
            check_threads(question.threads)
        if question.reference:
            find_reference(question.reference, task, folder)

    def measure(self, job: LatencyJob, /) -> Latency:
        """Time a network, alternating with its reference if it has one."""
        question, model = job.question, job.model()
        try:
            networks = [_prepared(model, question)]
        except InputError as error:
            raise ConstraintError(f"latency: {error}") from error
        if question.reference:
            networks.append(_reference(question, job.task, job.folder))
        return time_networks(networks, question.threads, 1 if question.reference else None)[0]

    def compare_networks(
        self, models: Sequence[Timed], question: Question, rounds: int | None, /
    ) -> Comparison:
        """Time networks and exported files alternately in one run."""
        check_runtime(question.runtime)
        check_threads(question.threads)
        networks = [_opener(model, question) for model in models]
        plan = USUAL if rounds is None else TimingPlan(rounds=rounds)
        return _comparison(models, time_networks(networks, question.threads, 0, plan), question)


def time_networks(
    networks: Sequence[Open], threads: int, reference: int | None, plan: TimingPlan = USUAL
) -> list[Latency]:
    """Time prepared networks while trainings on this machine pause.

    `reference` is the index of the network that ratios refer to.
    """
    with _torch_threads(threads), alone():
        return time_paired(networks, reference, plan, machine_name())


def machine_name() -> str:
    """Describe this machine: processor architecture, usable cores, operating system."""
    name = f"{platform.machine()}, {usable_cores()} cores, {platform.system()}"
    return name if ALONE else f"{name}; trainings were not paused"


def _opener(model: Timed, question: Question) -> Open:
    if isinstance(model, FileModel):
        return model.opener(question.threads, question.batch)
    return _prepared(model, question)


def _prepared(model: Model, question: Question) -> Open:
    return prepare(model, question.runtime, question.threads, question.batch)


@lru_cache(maxsize=4)
def _reference(question: Question, task: Task, folder: Path) -> Open:
    """Prepare a reference once in a process: its translation takes longer than its timing."""
    return _prepared(find_reference(question.reference, task, folder), question)


@contextmanager
def _torch_threads(threads: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _comparison(
    models: Sequence[Timed], latencies: Sequence[Latency], question: Question
) -> Comparison:
    pairs = list(zip(models, latencies, strict=True))
    first = latencies[0]
    return Comparison(
        columns=("model", "input", "median ms", "quartiles", "ratio", "interval"),
        table=tuple(_cells(*pair) for pair in pairs),
        note=f"ratio to {models[0].name}; {question}; {first.machine}; {first.samples} samples of "
        f"each, interleaved; intervals: {first.confidence:.1%} confidence (order statistics of "
        "block medians)",
        rows=tuple(_row(*pair, question, models[0].name) for pair in pairs),
    )


def _row(model: Timed, latency: Latency, question: Question, reference: str) -> dict[str, Any]:
    interval = latency.ratio_interval
    return {
        "model": model.name,
        "input_shape": list(model.input_shape),
        "params": _params(model),
        "runtime": model.runtime if isinstance(model, FileModel) else question.runtime,
        "threads": question.threads,
        "batch": question.batch,
        "machine": latency.machine,
        "samples": latency.samples,
        "median_ms": latency.median,
        "median_interval_ms": [latency.interval.low, latency.interval.high],
        "quartiles_ms": [latency.quartiles.low, latency.quartiles.high],
        "reference": reference,
        "ratio": latency.precise_ratio,
        "ratio_interval": [interval.low, interval.high] if interval else None,
        "confidence": latency.confidence,
    }


def _params(model: Timed) -> int | None:
    if isinstance(model, FileModel):
        return model.params
    return sum(parameter.numel() for parameter in model.module.parameters())


def _cells(model: Timed, latency: Latency) -> tuple[str, ...]:
    quartiles, interval = latency.quartiles, latency.ratio_interval
    return (
        model.name,
        "x".join(map(str, model.input_shape)),
        f"{latency.median:.4g}",
        f"{quartiles.low:.4g} to {quartiles.high:.4g}",
        latency.ratio_words,
        f"{interval.low:.3g} to {interval.high:.3g}" if interval else "",
    )
