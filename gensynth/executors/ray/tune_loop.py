"""Ray Tune's side of a run: its event loop runs the campaign's jobs and decides nothing itself."""

import math
import shutil
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune import Callback, Stopper
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from gensynth.campaign.experiment_tables import Resources
from gensynth.evaluation.measurement import Measurement
from gensynth.executors.ray.cluster import NodesGone, slots
from gensynth.executors.ray.exchange import Ended, Exchange, JobWanted, Measured
from gensynth.executors.ray.worker import Worker
from gensynth.serialization import dumps, from_plain, loads
from gensynth.training.attempt import Result
from gensynth.training.background import News
from gensynth.training.job import Job

RECOUNT_S = 5.0
"""Time between two counts of the cluster's nodes."""
LOW_MEMORY = "running low on memory"
"""Words in Ray's message about a worker that it ended for lack of memory."""
LONGEST_CAUSE = 200
"""Characters of an error that are kept."""


def fit(exchange: Exchange, resources: Resources, folder: Path, limit_s: float) -> None:
    """Run jobs until the exchange is halted; Tune keeps its own files in `folder`.

    Raises `NodesGone` if no node has had room for a training for `limit_s` seconds.
    """
    room = Room(resources, limit_s)
    jobs = Jobs(exchange, room)
    scheduler = Scheduler(jobs)
    try:
        tune.run(
            Worker,
            name=folder.name,
            storage_path=str(folder),
            search_alg=jobs,
            scheduler=scheduler,
            stop=Halt(exchange, room),
            num_samples=-1,
            resources_per_trial={"cpu": resources.cpus_per_trial, "gpu": resources.gpus_per_trial},
            reuse_actors=True,
            max_failures=0,
            raise_on_failed_trial=False,
            trial_dirname_creator=lambda trial: str(trial.trial_id),
            callbacks=[JobStarts(jobs)],
            verbose=0,
        )
    finally:
        for staging in scheduler.staging:
            shutil.rmtree(staging, ignore_errors=True)


@dataclass
class TuneJob:
    """A job or group that Tune runs: what it has measured so far, and when it began."""

    jobs: tuple[Job, ...]
    curves: dict[int, list[Measurement]] = field(default_factory=lambda: defaultdict(list))
    """By the number of the job."""
    began: float = math.inf
    """By the monotonic clock; infinite until a worker has the job."""
    error: str = ""
    """Why its worker was lost."""


class Room:
    """How many trainings may run at once; nodes may join and leave during a run."""

    def __init__(self, resources: Resources, limit_s: float) -> None:
        """Give up after `limit_s` seconds without any room."""
        self._resources, self._limit_s = resources, limit_s
        self._slots, self._counted = 0, -math.inf
        self._last = time.monotonic()

    def count(self) -> int:
        """Return the number of trainings, counted again every few seconds.

        Raises `NodesGone` if there has been no room for too long.
        """
        now = time.monotonic()
        if now - self._counted > RECOUNT_S:
            self._slots, self._counted = slots(self._resources), now
            self._last = now if self._slots else self._last
            if now - self._last > self._limit_s:
                raise NodesGone(f"no node has had room for a training for {now - self._last:.0f} s")
        return self._slots


class Jobs(Searcher):
    """Passes the campaign's jobs to Tune, and what happens to them back to the campaign."""

    def __init__(self, exchange: Exchange, room: "Room") -> None:
        super().__init__()
        self._exchange = exchange
        self._room = room
        self._running: dict[str, TuneJob] = {}
        self._asked = False

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """Return the next job as a trial's configuration, or None if there is none yet.

        One job more than there is room for is handed out, so that it is ready when a worker becomes
        free. This waits for a job only while nothing runs and the loop has nothing else to do.
        """
        if len(self._running) > self._room.count():
            return None
        if not self._asked:
            self._exchange.tell(JobWanted())
            self._asked = True
        jobs = self._exchange.next_jobs(wait=not self._running)
        if self._exchange.halted:
            return Searcher.FINISHED  # type: ignore[return-value]
        if jobs is None:
            return None
        self._asked = False
        self._running[trial_id] = TuneJob(jobs)
        return {"jobs": dumps(jobs)}

    def take(self, trial_id: str, row: dict[str, Any]) -> Sequence[Result | None]:
        """Pass on the new measurements of a row; return the results, which the last row has."""
        running = self._running[trial_id]
        told = _news(row)
        for job, news in zip(running.jobs, told, strict=True):
            if news.measurements:
                running.curves[job.number] += news.measurements
                self._exchange.tell(Measured(job, news.measurements))
        return [news.result for news in told]

    def goes_on(self, trial_id: str) -> bool:
        """Whether a trial may continue: any of its jobs."""
        return any(self._exchange.goes_on(job) for job in self._running[trial_id].jobs)

    def started(self, trial_id: str) -> None:
        """Note the time at which a worker got the job; its training begins after that."""
        self._running[trial_id].began = time.monotonic()

    def failed(self, trial_id: str, error: str) -> None:
        """Remember why a trial's process was lost; `on_trial_complete` follows."""
        self._running[trial_id].error = error

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Report how a job ended: by its last row, by being stopped, or by losing its worker."""
        running = self._running[trial_id]
        results: Sequence[Result | None] = [None] * len(running.jobs)
        # The last row arrives only here; a row at which a trial was stopped has been taken.
        if result is not None and any(news.result is not None for news in _news(result)):
            results = self.take(trial_id, result)
        del self._running[trial_id]
        without = _lost if result is None else _stopped
        for job, ending in zip(running.jobs, results, strict=True):
            self._exchange.tell(Ended(job, ending or without(running, job)))

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: a restart begins from the campaign's own record."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing."""


class Scheduler(FIFOScheduler):
    """Runs jobs in the order of their arrival, and stops those that the campaign wants stopped."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._jobs = jobs
        self.staging: set[Path] = set()
        """Tune's files in Ray's own folder, which a cluster would keep after this run."""

    def on_trial_add(self, controller: Any, trial: Trial) -> None:
        """Note where Tune keeps the files of this run."""
        if trial.storage is not None:
            self.staging.add(Path(trial.storage.experiment_driver_staging_path).parent)

    def on_trial_result(self, controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Take any row but the last; return whether the training continues."""
        self._jobs.take(trial.trial_id, result)
        goes_on = self._jobs.goes_on(trial.trial_id)
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)

    def on_trial_error(self, controller: Any, trial: Trial) -> None:
        """Keep the error of a trial whose process was lost."""
        file = trial.error_file
        self._jobs.failed(trial.trial_id, Path(file).read_text(encoding="utf-8") if file else "")


class JobStarts(Callback):
    """Notes when a worker gets a job.

    The worker's first row would be too late: a training that hangs at once, and blocks the other
    threads of its process, never sends one.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_trial_start(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """Note the start."""
        self._jobs.started(trial.trial_id)


class Halt(Stopper):
    """Ends the run when the campaign wants it to end."""

    def __init__(self, exchange: Exchange, room: Room) -> None:
        self._exchange: Exchange | None = exchange
        self._room: Room | None = room

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Return False: no single trial is stopped."""
        return False

    def stop_all(self) -> bool:
        """Whether the run is to end. Tune asks in every turn of its loop, so count nodes too."""
        if self._room is not None:
            self._room.count()
        return self._exchange is not None and self._exchange.halted

    def __getstate__(self) -> dict[str, None]:
        """Leave the exchange and the room out of the copy that Tune saves in its folder."""
        return {"_exchange": None, "_room": None}


def _news(row: dict[str, Any]) -> tuple[News, ...]:
    return from_plain(tuple[News, ...], loads(row["news"], "row"), "row")


def _stopped(running: TuneJob, job: Job) -> Result:
    curve = tuple(running.curves[job.number])
    return Result("stopped", curve, seconds=_seconds(curve))


def _lost(running: TuneJob, job: Job) -> Result:
    """Return the result of a job whose process is gone.

    After its time limit, the process ended itself.
    """
    curve, limit, cause = tuple(running.curves[job.number]), job.time_limit_s, _cause(running.error)
    if LOW_MEMORY in running.error:
        return Result("out_of_memory", curve, cause, _seconds(curve))
    if limit is not None and time.monotonic() - running.began > limit * len(running.jobs):
        return Result("timed_out", curve, f"hung after {limit} s", limit)
    return Result("lost", curve, cause, _seconds(curve))


def _cause(error: str) -> str:
    """Shorten Tune's report of a failure to one line; its first line only counts failures."""
    words = " ".join(error.partition("\n")[2].split())
    return (words.partition("The actor is dead because ")[2] or words)[:LONGEST_CAUSE]


def _seconds(curve: Sequence[Measurement]) -> float:
    return curve[-1].seconds if curve else 0.0
