"""Every candidate of a campaign: those that have ended, and those whose jobs are running.

Ended candidates are in the record. Each running job has a folder of its own with a `job.json`, so
the two together are all that a campaign needs to continue after a crash.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from gensynth.evaluation.latency import Latency
from gensynth.evaluation.outcome import Outcome, Purpose
from gensynth.record.event_log import Log
from gensynth.record.job_folders import JobFolders, RunningJob
from gensynth.record.optuna_study import Record
from gensynth.record.starts import REASON, Starts, key_of
from gensynth.training.checkpoint import CHECKPOINT
from gensynth.training.job import Job

FORGIVEN = "forgiven"
"""Name of the note with the failed candidates that do not count any more."""
EXHAUSTED = "exhausted"
"""Name of the note that says why the generator proposes nothing new any more."""
FAILED = ("crashed", "lost", "out_of_memory", "timed_out")
"""Endings that may be the machine's fault rather than the network's."""
LEARNED: tuple[Purpose, ...] = ("search", "longer")
"""Purposes of trainings that the generator is told of."""
SINCE = "since"
"""Name of the note that says which candidate was the first under the present rules."""


class Ledger:
    """The candidates of a campaign, read from its record and from the folders of its jobs."""

    def __init__(self, record: Record, folder: Path, log: Log | None = None) -> None:
        """Read the campaign in `folder`; a driver passes the `log` for its events."""
        self.folder = folder
        self.ended: list[Outcome] = record.outcomes()
        """All rows of the record, in the order in which they ended."""
        self._record = record
        self._log = log or Log()
        noted = record.noted(FORGIVEN)
        self.forgiven = (
            frozenset(n for n in noted if isinstance(n, int))
            if isinstance(noted, list)
            else frozenset[int]()
        )
        """Failed candidates whose trainings do not count, so that others take their place."""
        self._jobs = JobFolders(folder / "candidates")
        self.running: dict[int, RunningJob] = self._jobs.read(ended=self._numbers())
        """The jobs that have not ended, by the candidate's number."""
        self.starts = Starts(folder, self.ended) if log is not None else None
        """The starts that ended their process; None for somebody who only looks."""
        if self.starts is not None:
            self.starts.recorded(len(self.ended))
            self.ended = [_unless_lost(row, self.starts) for row in self.ended]

    # What happens to a candidate ---------------------------------------------------------------

    def start(self, job: Job, row: Outcome) -> Job:
        """Enter a job and return it. It is on disk before anybody works on it."""
        row = replace(row, attempt=job.attempt, training_seed=job.training_seed)
        self.running[job.number] = RunningJob(job, row)
        self._jobs.write(self.running[job.number])
        self._log.candidate("started", row)
        return job

    def take(self, job: Job) -> Outcome:
        """Remove a job that has ended from those that are running; return its row."""
        return self.running.pop(job.number).row

    @contextmanager
    def training_here(self, job: Job) -> Iterator[bool]:
        """Count a start of a training in this process; yield False if there were too many."""
        if self.starts is None:
            yield True
            return
        key, checkpoint = f"training {job.number}", Path(job.folder) / CHECKPOINT
        if self.starts.is_lost(key):
            yield False
            return
        saved = checkpoint.stat().st_mtime_ns if checkpoint.exists() else ""
        with self.starts.training(key, f"{job.attempt} {saved}"):
            yield True

    @contextmanager
    def attended(self) -> Iterator[None]:
        """Let the starts know which code of candidates runs in the block, and only there."""
        with self.starts.attended() if self.starts is not None else nullcontext():
            yield

    def record(self, row: Outcome, options: Mapping[str, Any]) -> None:
        """Record a row, once and for all; `options` are those of its decisions."""
        self._record.add(row, options)
        self.ended.append(row)
        if self.starts is not None:
            self.starts.recorded(len(self.ended))
        self._log.candidate(row.ending, row)

    def forget(self, job: Job) -> None:
        """Delete what only the training of a recorded job needed; weights to be kept stay."""
        self._jobs.forget(job)

    def folder_of(self, row: Outcome) -> Path:
        """Return the folder of a candidate's job, checkpoint and weights."""
        return self._jobs.folder_of(row)

    def lose(self, number: int, reason: str) -> None:
        """Record a running job as lost, because nothing of its candidate may run any more."""
        lost = self.running.pop(number).row
        folder = self.folder_of(lost)
        self.record(replace(lost, ending="lost", detail=reason), {})
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """End the count of starts in order."""
        if self.starts is not None:
            self.starts.close()

    # After an interruption, or under new rules -------------------------------------------------

    def clean(self) -> None:
        """Delete what killed drivers and workers left in the folders of their jobs."""
        self._jobs.clean(self._numbers())

    def renew(self, jobs: Mapping[int, Job]) -> None:
        """Replace the running jobs by `jobs`; delete the folders of those that have none."""
        for number, running in self.running.items():
            if number not in jobs:
                folder = str(self.folder_of(running.row))  # Its own claim is not to be trusted.
                self.forget(replace(running.job, folder=folder, keep_weights=False))
        self.running = {n: replace(self.running[n], job=job) for n, job in jobs.items()}

    @property
    def since(self) -> int:
        """The first candidate that was proposed under the present generator, rules and score."""
        noted = self._record.noted(SINCE)
        return noted if isinstance(noted, int) else 0

    def begin_anew(self) -> int:
        """Note that the generator, the rules or the score change now; return the new `since`."""
        since = self.next_number()
        self._record.note(SINCE, since)
        return since

    def forgive(self) -> int:
        """Let all failed trainings of the search count no more; return how many new ones there are.

        The networks may be proposed and trained again, and the generator learns nothing from them.
        """
        failed = {o.number for o in self.searched() if o.ending in FAILED and o.attempt > 0}
        new = failed - self.forgiven
        if new:
            self.forgiven |= new
            self._record.note(FORGIVEN, list(sorted(self.forgiven)))
            self.begin_anew()
        return len(new)

    @property
    def exhausted(self) -> str:
        """Why the generator proposes nothing new under the present rules; empty if it may."""
        noted = self._record.noted(EXHAUSTED)
        same = isinstance(noted, dict) and noted.get("since") == self.since
        return str(noted["reason"]) if isinstance(noted, dict) and same else ""

    def exhaust(self, reason: str) -> None:
        """Note that there is nothing new to propose, for all later runs under the same rules."""
        self._record.note(EXHAUSTED, {"since": self.since, "reason": reason})

    def nothing_new(self, last: int) -> bool:
        """Whether the `last` proposals of the search had all been proposed before."""
        rows = self.searched()
        before, latest = rows[:-last], rows[-last:]
        known = {row.fingerprint for row in [*before, *self.searching()]}
        return len(latest) == last and all(row.fingerprint in known for row in latest)

    def note(self, name: str, value: Any) -> None:
        """Note something that follows from the record and takes long to compute."""
        self._record.note(name, value)

    def noted(self, name: str) -> Any:
        """Return what was noted under a name; None if nothing was."""
        return self._record.noted(name)

    def warn(self, text: str) -> None:
        """Write a warning to the log."""
        self._log.write("warning", text=text)

    # Questions ---------------------------------------------------------------------------------

    def told(self) -> list[Outcome]:
        """Return what the generator has been told, in the order in which it ended."""
        return [outcome for outcome in self.ended if outcome.purpose in LEARNED]

    def searched(self) -> list[Outcome]:
        """Return the ended candidates that the generator proposed, in the order of their ends."""
        return [outcome for outcome in self.ended if outcome.purpose == "search"]

    def searching(self) -> list[Outcome]:
        """Return the running candidates that the generator proposed, in the order proposed."""
        return [r.row for r in self.running.values() if r.row.purpose == "search"]

    def learning(self) -> bool:
        """Whether anything is running that the generator will be told."""
        return any(r.row.purpose in LEARNED for r in self.running.values())

    def trainings(self) -> int:
        """Return the number of trainings of the search, running ones included."""
        ended = sum(o.attempt > 0 and o.number not in self.forgiven for o in self.searched())
        return ended + len(self.searching())

    def of(self, genome_id: str, purpose: Purpose) -> list[Outcome]:
        """Return the ended trainings of one network for one purpose."""
        return [o for o in self.ended if o.genome_id == genome_id and o.purpose == purpose]

    def runs(self, genome_id: str) -> int:
        """Return the number of running trainings of one network."""
        return sum(running.row.genome_id == genome_id for running in self.running.values())

    def twin(self, fingerprint: str) -> Outcome | None:
        """Return a training of the search, ended or running, that computes the same function."""
        rows = (o for o in [*self.searched(), *self.searching()] if o.attempt > 0)
        counted = (o for o in rows if o.number not in self.forgiven)
        return next((o for o in counted if o.fingerprint == fingerprint), None)

    def latencies(self, fingerprint: str) -> dict[str, Latency]:
        """Return the latencies measured so far of one function, by the question's words."""
        rows = [o for o in [*self.searched(), *self.searching()] if o.fingerprint == fingerprint]
        return {words: latency for row in rows for words, latency in row.latencies.items()}

    def next_number(self) -> int:
        """Return the number of the next candidate. Numbers are never used again."""
        return max([*self._numbers(), *self.running], default=-1) + 1

    def _numbers(self) -> set[int]:
        return {outcome.number for outcome in self.ended}


def _unless_lost(row: Outcome, starts: Starts) -> Outcome:
    """Return a row, as one of a lost candidate if nothing of that may run any more."""
    if row.ending == "lost" or not starts.is_lost(key_of(row.decisions)):
        return row
    return replace(row, ending="lost", detail=REASON, score=None, value=None)
