"""One attempt at several jobs that differ in their seeds alone, trained in the same steps."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Ending
from gensynth.training import checkpoint
from gensynth.training.attempt import Result, attempt
from gensynth.training.group.training import GroupTraining
from gensynth.training.job import Diverged, Job
from gensynth.training.loop import Training, data_of, identity_of
from gensynth.training.torch_device import keep_freed_memory, set_threads

_log = logging.getLogger(__name__)
WatchJob = Callable[[Job, Measurement], bool]
"""Called with every measurement and its job; returns whether that job's training continues."""


def attempt_together(jobs: Sequence[Job], watch: WatchJob) -> tuple[Result, ...]:
    """Train `jobs` in the same steps, each until it is complete or `watch` returns False for it.

    Each result is that of `attempt`, but for the rounding of numbers. A job's seconds are its share
    of the time. If the jobs cannot be trained as a group, they are trained one after the other.
    Never raises an `Exception`.
    """
    if len(jobs) > 1:
        try:
            return _Together(jobs, watch).results()
        except Exception as error:  # Each training by itself finds out what is wrong.
            _log.warning("%s: trained by itself (%s)", jobs[0].folder, error)
    return tuple(attempt(job, partial(watch, job)) for job in jobs)


def alike(one: Job, other: Job) -> bool:
    """Whether two jobs differ in their number, seed and folder alone."""
    return one == replace(
        other, number=one.number, training_seed=one.training_seed, folder=one.folder
    )


def time_limit_of(jobs: Sequence[Job]) -> float | None:
    """Return the seconds that `jobs` may take together: as many as one after the other."""
    limit = jobs[0].time_limit_s
    return None if limit is None else limit * len(jobs)


class _Together:
    """Trainings in the same steps: who is still in, and what has been measured."""

    def __init__(self, jobs: Sequence[Job], watch: WatchJob) -> None:
        self._start = self._saved = time.perf_counter()
        self._watch, self._jobs, self._first = watch, jobs, jobs[0]
        self._results: dict[int, Result] = {}
        set_threads(self._first.threads)
        keep_freed_memory()
        self._members, self._stored = _begun(jobs)
        self._curves: dict[int, list[Measurement]] = {job.number: [] for job in jobs}
        self._group: GroupTraining | None = None

    def results(self) -> tuple[Result, ...]:
        """Train to the end, and return the results in the order of the jobs."""
        epochs, resumed = self._first.recipe.epochs, len(self._stored[self._first.number])
        for epoch in range(1, epochs + 1):
            if not self._members:
                break
            if epoch <= resumed:
                for member in self._members:
                    self._curve(member).append(self._stored[member.job.number][epoch - 1])
            else:
                self._train(epoch)
                self._save(epoch == epochs or self._is_due())
            if epoch == epochs:
                for member in self._members:
                    member.finish()
            self._judge(epoch == epochs, epoch > resumed)
        return tuple(self._results[job.number] for job in self._jobs)

    def _train(self, epoch: int) -> None:
        """Train an epoch; whoever diverges is out."""
        self._regroup()
        began = time.perf_counter()
        measured = self._group.epoch(epoch) if self._group else [_alone(self._members[0], epoch)]
        share = (time.perf_counter() - began) / len(self._members)
        for member, found in zip(list(self._members), measured, strict=True):
            if isinstance(found, Diverged):
                self._end(member, "diverged", str(found))
            else:
                curve = self._curve(member)
                before = curve[-1].seconds if curve else 0.0
                curve.append(replace(found, seconds=before + share))

    def _judge(self, last: bool, fresh: bool) -> None:
        """Report the latest measurements, and end those trainings that do not go on."""
        going = {m.job.number: self._watch(m.job, self._curve(m)[-1]) for m in self._members}
        late = self._is_late()
        if not last and fresh and (late or not all(going.values())):
            self._save(True)  # Who stops now may be resumed later.
        for member in list(self._members):
            if last:
                self._end(member, "completed")
            elif not going[member.job.number]:
                self._end(member, "stopped")
            elif late:
                self._end(member, "timed_out", f"after {self._first.time_limit_s} s")

    def _end(self, member: Training, ending: Ending, detail: str = "") -> None:
        self._members.remove(member)
        seconds = (time.perf_counter() - self._start) / len(self._jobs)
        curve = tuple(self._curve(member))
        self._results[member.job.number] = Result(ending, curve, detail, seconds)

    def _regroup(self) -> None:
        """Group those who are in; the last one goes on by itself."""
        if self._group is not None:
            if self._group.members == self._members:
                return
            self._group.part()
        self._group = GroupTraining(self._members) if len(self._members) > 1 else None

    def _save(self, due: bool) -> None:
        if self._first.checkpoint_s is None or not due:
            return
        if self._group is not None:
            self._group.share_state()
        checkpoint.save_together(
            [(*_place(m.job), m.state(tuple(self._curve(m)))) for m in self._members]
        )
        self._saved = time.perf_counter()

    def _is_due(self) -> bool:
        since = time.perf_counter() - self._saved
        return self._first.checkpoint_s is not None and since >= self._first.checkpoint_s

    def _is_late(self) -> bool:
        limit = time_limit_of(self._jobs)
        return limit is not None and time.perf_counter() - self._start > limit

    def _curve(self, member: Training) -> list[Measurement]:
        return self._curves[member.job.number]


def _begun(jobs: Sequence[Job]) -> tuple[list[Training], dict[int, tuple[Measurement, ...]]]:
    """Build the trainings and restore them to the last epoch that all of them have saved."""
    members = _built(jobs)
    stored = checkpoint.load_together([_place(job) for job in jobs])
    if stored is not None:
        curves = [m.restore(each) for m, each in zip(members, stored, strict=True)]
        if all(curves):
            return members, {job.number: curve for job, curve in zip(jobs, curves, strict=True)}
        members = _built(jobs)
    return members, {job.number: () for job in jobs}


def _built(jobs: Sequence[Job]) -> list[Training]:
    data = data_of(jobs[0])
    first = Training(jobs[0], data)
    return [first, *(Training(job, data, first) for job in jobs[1:])]


def _place(job: Job) -> tuple[Path, str]:
    return Path(job.folder), identity_of(job)


def _alone(member: Training, epoch: int) -> Measurement | Diverged:
    try:
        return member.epoch(epoch)
    except Diverged as error:
        return error
