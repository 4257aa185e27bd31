"""One attempt at a job: train it, and give its end the right name."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Ending
from gensynth.training.device import is_out_of_memory
from gensynth.training.job import Diverged, Job
from gensynth.training.loop import train

ATTEMPTS = 3
"""How often a job is handed out whose worker is lost, or a network that is to be exported."""
Watch = Callable[[Measurement], bool]
"""Sees every measurement; says whether to go on."""


@dataclass(frozen=True)
class Result:
    """How an attempt ended; `curve` is the whole one, measured before and after a restart."""

    ending: Ending
    curve: tuple[Measurement, ...] = ()
    detail: str = ""
    seconds: float = 0.0


def attempt(job: Job, watch: Watch) -> Result:
    """Train `job` to its end, or until `watch` or its time limit says stop."""
    start = time.perf_counter()
    curve: list[Measurement] = []
    ending, detail = "completed", ""
    try:
        for measurement in train(job):
            curve.append(measurement)
            goes_on = watch(measurement)
            if measurement.epoch >= job.recipe.epochs:
                continue
            if not goes_on:
                ending = "stopped"
                break
            if _too_late(job, start):
                ending, detail = "timed_out", f"after {job.time_limit_s} s"
                break
    except Diverged as error:
        ending, detail = "diverged", str(error)
    except Exception as error:
        ending = "out_of_memory" if is_out_of_memory(error) else "crashed"
        detail = _where(error)
    return Result(ending, tuple(curve), detail, time.perf_counter() - start)  # type: ignore[arg-type]


def again(job: Job, result: Result, batch_size: int) -> Job | None:
    """Give the next attempt at a job whose worker was lost or ran out of memory, or None.

    `batch_size` is the experiment's: what does not fit is tried once more at half of it.
    """
    if result.ending == "lost" and job.attempt < ATTEMPTS:
        return replace(job, attempt=job.attempt + 1)
    half = batch_size // 2
    if result.ending == "out_of_memory" and job.recipe.batch_size > half >= 2:
        recipe = replace(job.recipe, batch_size=half)
        return replace(job, attempt=job.attempt + 1, recipe=recipe)
    return None


def _too_late(job: Job, start: float) -> bool:
    return job.time_limit_s is not None and time.perf_counter() - start > job.time_limit_s


def _where(error: Exception) -> str:
    """Name the error and the line that raised it, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"
