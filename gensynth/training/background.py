"""A training in a thread of its own, so that nobody who watches it ever holds it up."""

import faulthandler
import time
from dataclasses import dataclass
from threading import Event, Thread

from gensynth.evaluation.measurement import Measurement
from gensynth.training.attempt import Result, attempt
from gensynth.training.job import Job

GRACE_S = 5.0
"""How long a training may outlive its time limit before its whole process is ended."""


@dataclass(frozen=True)
class News:
    """What happened since the last look: new measurements, and the end if it has come."""

    measurements: tuple[Measurement, ...] = ()
    result: Result | None = None


class Background:
    """A job that trains while others look; one at a time in a process.

    A training that hangs cannot be ended from within Python: past its time limit (and a grace)
    the process exits, and whoever handed out the job finds its worker gone.
    """

    def __init__(self, job: Job) -> None:
        """Start training `job` at once."""
        self._job = job
        self._stopped, self._ended = Event(), Event()
        self._measured: list[Measurement] = []
        self._told = 0
        self._result: Result | None = None
        self._thread = Thread(target=self._train, name=f"job {job.number}", daemon=True)
        self._thread.start()

    def news(self, pause_s: float, patience_s: float) -> News:
        """Wait for news and give it; at the end at once, else `pause_s` seconds from now.

        Gives empty news after `patience_s` seconds, as a sign of life.
        """
        deadline = time.monotonic() + patience_s
        while not self._ended.wait(pause_s):
            if len(self._measured) > self._told or time.monotonic() >= deadline:
                break
        result = self._result  # Read before the measurements: an end never overtakes them.
        fresh = tuple(self._measured[self._told :])
        self._told += len(fresh)
        return News(fresh, result)

    def stop(self) -> None:
        """End the training after its present epoch, without waiting for that."""
        self._stopped.set()

    def join(self, limit_s: float | None = None) -> None:
        """Wait until the training has ended, for `limit_s` seconds at most."""
        self._thread.join(limit_s)

    def _train(self) -> None:
        if self._job.time_limit_s is not None:
            # The watch runs outside the interpreter, so that nothing can hold it up.
            faulthandler.dump_traceback_later(self._job.time_limit_s + GRACE_S, exit=True)
        try:
            self._result = attempt(self._job, self._watch)
        except BaseException as error:  # A network may even raise SystemExit.
            detail = f"{type(error).__name__}: {error}"
            self._result = Result("crashed", tuple(self._measured), detail)
        finally:
            faulthandler.cancel_dump_traceback_later()
            self._ended.set()

    def _watch(self, measurement: Measurement) -> bool:
        self._measured.append(measurement)
        return not self._stopped.is_set()
