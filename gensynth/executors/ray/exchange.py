"""Messages between the campaign's thread and Ray Tune's thread.

A campaign is not thread-safe, and its next proposal may take a second. Tune's event loop must not
wait for it, or every worker would. So each has its own thread, and queues connect them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event

from gensynth.evaluation.measurement import Measurement
from gensynth.training.attempt import Result
from gensynth.training.job import Job


@dataclass(frozen=True)
class JobWanted:
    """Tune has room for another job."""


@dataclass(frozen=True)
class Measured:
    """A running job has new measurements."""

    job: Job
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True)
class Ended:
    """A job has ended."""

    job: Job
    result: Result


@dataclass(frozen=True)
class TuneEnded:
    """Tune's loop has ended by itself."""

    error: BaseException | None
    """The error that ended it, if there was one."""


@dataclass(frozen=True)
class ControlLost:
    """The cluster's control server does not answer any more."""

    address: str


@dataclass(frozen=True)
class StopRequested:
    """The user has asked the program to stop."""


Message = JobWanted | Measured | Ended | TuneEnded | ControlLost | StopRequested


class Exchange:
    """Carries messages to the campaign, and jobs and decisions to stop them to Tune."""

    def __init__(self) -> None:
        """Start empty."""
        self._messages: SimpleQueue[Message] = SimpleQueue()
        self._jobs: SimpleQueue[tuple[Job, ...] | None] = SimpleQueue()
        self._stops: set[tuple[int, int]] = set()
        self._halted = Event()

    # For the campaign ------------------------------------------------------------------------

    def messages(self) -> Iterator[Message]:
        """Wait for a message, then yield all that have arrived, oldest first."""
        yield self._messages.get()
        while not self._messages.empty():
            yield self._messages.get()

    def hand_out(self, jobs: tuple[Job, ...]) -> None:
        """Give Tune a job to run, or several that one worker trains in the same steps."""
        self._jobs.put(jobs)

    def stop(self, job: Job) -> None:
        """Stop this attempt at a job early, after its next measurement."""
        self._stops.add((job.number, job.attempt))

    def halt(self) -> None:
        """Make Tune end all running jobs and stop asking for others."""
        self._halted.set()
        self._jobs.put(None)

    def interrupt(self) -> None:
        """Raise `KeyboardInterrupt` in the campaign's thread; safe inside a signal handler."""
        self._messages.put(StopRequested())

    # For Tune --------------------------------------------------------------------------------

    def tell(self, message: Message) -> None:
        """Send a message to the campaign."""
        self._messages.put(message)

    def next_jobs(self, wait: bool) -> tuple[Job, ...] | None:
        """Return the next job or group; None if there is none yet, or if the run is to end."""
        try:
            return self._jobs.get(block=wait)
        except Empty:
            return None

    def goes_on(self, job: Job) -> bool:
        """Whether this attempt at a job may continue."""
        return (job.number, job.attempt) not in self._stops

    @property
    def halted(self) -> bool:
        """Whether the run is to end."""
        return self._halted.is_set()
