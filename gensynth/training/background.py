"""Trainings in a thread of their own, so that observers never delay them."""

import faulthandler
import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event, Thread

from gensynth.evaluation.measurement import Measurement
from gensynth.training.attempt import Result
from gensynth.training.grouped_attempt import attempt_together, time_limit_of
from gensynth.training.job import Job

GRACE_S = 5.0
"""Seconds by which a training may exceed its time limit before its whole process exits."""


@dataclass(frozen=True)
class News:
    """What happened to a job since the last call: new measurements, and perhaps its result."""

    measurements: tuple[Measurement, ...] = ()
    result: Result | None = None


class Background:
    """Jobs that train in the same steps in the background; one `Background` at a time.

    Python cannot end a training that hangs. Once its time limit and `GRACE_S` have passed, the
    whole process exits, and the executor finds that the worker is lost.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        """Start training `jobs` at once; several differ in their seeds alone."""
        self._jobs = jobs
        self._stopped, self._ended = Event(), Event()
        self._measured: dict[int, list[Measurement]] = {job.number: [] for job in jobs}
        self._reported = dict.fromkeys(self._measured, 0)
        self._results: tuple[Result, ...] | None = None
        name = f"job {jobs[0].number}"
        self._thread = Thread(target=self._train, name=name, daemon=True)
        self._thread.start()

    def news(self, pause_s: float, patience_s: float) -> tuple[News, ...]:
        """Return what is new of each job: at once at their end, else after `pause_s` seconds.

        Waits at most `patience_s` seconds for a measurement and then returns empty news, which
        shows that the worker is alive.
        """
        deadline = time.monotonic() + patience_s
        while not self._ended.wait(pause_s):
            if self._is_measured() or time.monotonic() >= deadline:
                break
        results = self._results  # Read first, so that a result never precedes a measurement.
        return tuple(
            News(self._fresh(job.number), results[place] if results else None)
            for place, job in enumerate(self._jobs)
        )

    def stop(self) -> None:
        """Request an end after the current epoch, and return at once."""
        self._stopped.set()

    def join(self, limit_s: float | None = None) -> None:
        """Wait until the training has ended, but at most `limit_s` seconds."""
        self._thread.join(limit_s)

    def _is_measured(self) -> bool:
        return any(len(self._measured[number]) > told for number, told in self._reported.items())

    def _fresh(self, number: int) -> tuple[Measurement, ...]:
        fresh = tuple(self._measured[number][self._reported[number] :])
        self._reported[number] += len(fresh)
        return fresh

    def _train(self) -> None:
        if (limit_s := time_limit_of(self._jobs)) is not None:
            # This timer is outside the interpreter, so no Python code can block it.
            faulthandler.dump_traceback_later(limit_s + GRACE_S, exit=True)
        try:
            self._results = attempt_together(self._jobs, self._watch)
        except BaseException as error:  # Code of a network may even raise SystemExit.
            detail = f"{type(error).__name__}: {error}"
            curves = (tuple(self._measured[job.number]) for job in self._jobs)
            self._results = tuple(Result("crashed", curve, detail) for curve in curves)
        finally:
            faulthandler.cancel_dump_traceback_later()
            self._ended.set()

    def _watch(self, job: Job, measurement: Measurement) -> bool:
        self._measured[job.number].append(measurement)
        return not self._stopped.is_set()
