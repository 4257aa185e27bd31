"""One attempt at a job: train it, and record how the training ended."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

from gensynth.errors import PLUGIN_FAULTS
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Ending
from gensynth.training.job import Diverged, Job
from gensynth.training.loop import train
from gensynth.training.torch_device import is_out_of_memory

ATTEMPTS = 3
"""Attempts at a job whose worker is lost, and at training the network that is exported."""
Watch = Callable[[Measurement], bool]
"""Called with every measurement; returns whether to continue."""


@dataclass(frozen=True)
class Result:
    """How an attempt ended."""

    ending: Ending
    curve: tuple[Measurement, ...] = ()
    """All measurements, including those made before a restart."""
    detail: str = ""
    """What went wrong, in one line."""
    seconds: float = 0.0


def attempt(job: Job, watch: Watch) -> Result:
    """Train `job` until it is complete, `watch` returns False, or its time limit has passed.

    Raises nothing but `KeyboardInterrupt`; the result's `ending` and `detail` report it.
    """
    start = time.perf_counter()
    curve: list[Measurement] = []
    ending: Ending = "completed"
    detail = ""
    try:
        for measurement in train(job):
            curve.append(measurement)
            goes_on = watch(measurement)
            if measurement.epoch >= job.recipe.epochs:
                continue
            if not goes_on:
                ending = "stopped"
                break
            if _is_late(job, start):
                ending, detail = "timed_out", f"after {job.time_limit_s} s"
                break
    except Diverged as error:
        ending, detail = "diverged", str(error)
    except PLUGIN_FAULTS as error:
        ending = "out_of_memory" if is_out_of_memory(error) else "crashed"
        detail = _described(error)
    return Result(ending, tuple(curve), detail, time.perf_counter() - start)


def next_attempt(job: Job, result: Result, batch_size: int) -> Job | None:
    """Return the job to try after `result`, or None if it must not be tried again.

    A lost worker's job is repeated up to `ATTEMPTS` times in all. A job that ran out of memory is
    repeated once, with half of the experiment's `batch_size`.
    """
    if result.ending == "lost" and job.attempt < ATTEMPTS:
        return replace(job, attempt=job.attempt + 1)
    half = batch_size // 2
    if result.ending == "out_of_memory" and job.recipe.batch_size > half >= 2:
        recipe = replace(job.recipe, batch_size=half)
        return replace(job, attempt=job.attempt + 1, recipe=recipe)
    return None


def _is_late(job: Job, start: float) -> bool:
    return job.time_limit_s is not None and time.perf_counter() - start > job.time_limit_s


def _described(error: BaseException) -> str:
    """Return the error and the line of code that raised it, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"
