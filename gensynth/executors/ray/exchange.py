"""What the campaign's thread and Ray Tune's thread tell each other, and nothing else.

A campaign is not thread-safe and may think for a second about its next proposal; Tune's event
loop must not wait for it, or every worker would. So each keeps its thread, and queues join them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event

from gensynth.evaluation.measurement import Measurement
from gensynth.training.attempt import Result
from gensynth.training.job import Job


@dataclass(frozen=True)
class Wanted:
    """Another job can be handed out."""


@dataclass(frozen=True)
class Measured:
    """A running job has new measurements."""

    job: Job
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True)
class Ended:
    """A job is over."""

    job: Job
    result: Result


@dataclass(frozen=True)
class Broken:
    """Tune itself has come to an end, with an error or without one."""

    error: BaseException | None


@dataclass(frozen=True)
class Interrupted:
    """The user has asked for the end."""


News = Wanted | Measured | Ended | Broken | Interrupted


class Exchange:
    """News for the campaign; jobs, and the decisions to stop some, for Tune."""

    def __init__(self) -> None:
        """Begin with nothing to tell."""
        self._news: SimpleQueue[News] = SimpleQueue()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._stops: set[tuple[int, int]] = set()
        self._halted = Event()

    # For the campaign ------------------------------------------------------------------------

    def news(self) -> Iterator[News]:
        """Wait for one piece of news, then give all there is, oldest first."""
        yield self._news.get()
        while not self._news.empty():
            yield self._news.get()

    def hand_out(self, job: Job) -> None:
        """Give Tune a job to run."""
        self._jobs.put(job)

    def stop(self, job: Job) -> None:
        """Have this attempt at a job ended early; it ends after its next measurement."""
        self._stops.add((job.number, job.attempt))

    def halt(self) -> None:
        """Have Tune end everything that runs, and ask for nothing more."""
        self._halted.set()
        self._jobs.put(None)

    def interrupt(self) -> None:
        """Have the campaign's thread raise `KeyboardInterrupt`; safe inside a signal handler."""
        self._news.put(Interrupted())

    # For Tune --------------------------------------------------------------------------------

    def tell(self, news: News) -> None:
        """Pass on what happened."""
        self._news.put(news)

    def next_job(self, wait: bool) -> Job | None:
        """Take the next job; None where there is none yet, or none will ever be."""
        try:
            return self._jobs.get(block=wait)
        except Empty:
            return None

    def goes_on(self, job: Job) -> bool:
        """Say whether the campaign lets this attempt at a job continue."""
        return (job.number, job.attempt) not in self._stops

    @property
    def halted(self) -> bool:
        """Whether all is to end."""
        return self._halted.is_set()
