"""A training in a thread of its own, so that observers never delay it."""

import faulthandler
import time
from dataclasses import dataclass
from threading import Event, Thread

from gensynth.evaluation.measurement import Measurement
from gensynth.training.attempt import Result, attempt
from gensynth.training.job import Job

GRACE_S = 5.0
"""Seconds by which a training may exceed its time limit before its whole process exits."""


@dataclass(frozen=True)
class News:
    """What happened since the last call: new measurements, and the result if there is one."""

    measurements: tuple[Measurement, ...] = ()
    result: Result | None = None


class Background:
    """A job that trains in the background; at most one at a time in a process.

    Python cannot end a training that hangs. Once its time limit and `GRACE_S` have passed, the
    whole process exits, and the executor finds that the worker is lost.
    """

    def __init__(self, job: Job) -> None:
        """Start training `job` at once."""
        self._job = job
        self._stopped, self._ended = Event(), Event()
        self._measured: list[Measurement] = []
        self._reported = 0
        self._result: Result | None = None
        self._thread = Thread(target=self._train, name=f"job {job.number}", daemon=True)
        self._thread.start()

    def news(self, pause_s: float, patience_s: float) -> News:
        """Return what is new: at once if the training has ended, else after `pause_s` seconds.

        Waits at most `patience_s` seconds for a measurement and then returns empty news, which
        shows that the worker is alive.
        """
        deadline = time.monotonic() + patience_s
        while not self._ended.wait(pause_s):
            if len(self._measured) > self._reported or time.monotonic() >= deadline:
                break
        result = self._result  # Read first, so that a result never precedes a measurement.
        fresh = tuple(self._measured[self._reported :])
        self._reported += len(fresh)
        return News(fresh, result)

    def stop(self) -> None:
        """Request an end after the current epoch, and return at once."""
        self._stopped.set()

    def join(self, limit_s: float | None = None) -> None:
        """Wait until the training has ended, but at most `limit_s` seconds."""
        self._thread.join(limit_s)

    def _train(self) -> None:
        if self._job.time_limit_s is not None:
            # This timer is outside the interpreter, so no Python code can block it.
            faulthandler.dump_traceback_later(self._job.time_limit_s + GRACE_S, exit=True)
        try:
            self._result = attempt(self._job, self._watch)
        except BaseException as error:  # Code of a network may even raise SystemExit.
            detail = f"{type(error).__name__}: {error}"
            self._result = Result("crashed", tuple(self._measured), detail)
        finally:
            faulthandler.cancel_dump_traceback_later()
            self._ended.set()

    def _watch(self, measurement: Measurement) -> bool:
        self._measured.append(measurement)
        return not self._stopped.is_set()
