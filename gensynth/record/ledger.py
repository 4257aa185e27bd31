"""Every candidate of a campaign: those that have ended, and those whose jobs are running.

Ended candidates are in the record. Each running job has a folder of its own with a `job.json`, so
the two together are all that a campaign needs to continue after a crash.
"""

import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gensynth.errors import InputError
from gensynth.evaluation.latency import Latency
from gensynth.evaluation.outcome import Outcome, Purpose
from gensynth.record.log import Log
from gensynth.record.starts import Starts
from gensynth.record.study import Record
from gensynth.serialization import dumps, from_plain, loads, write_whole
from gensynth.training.checkpoint import CHECKPOINT
from gensynth.training.job import WEIGHTS, Job

JOB = "job.json"
"""A running job, in its own folder."""
SINCE = "since"
"""Name of the note that says which candidate was the first under the present rules."""


@dataclass(frozen=True)
class RunningJob:
    """A job, and the row that is completed and recorded when it ends."""

    job: Job
    row: Outcome


class Ledger:
    """The candidates of a campaign, read from its record and from the folders of its jobs."""

    def __init__(self, record: Record, folder: Path, log: Log | None = None) -> None:
        """Read the campaign in `folder`; a driver passes the `log` for its events."""
        self.folder = folder
        self.ended: list[Outcome] = record.outcomes()
        """All rows of the record, in the order in which they ended."""
        self._record = record
        self._log = log or Log()
        self._jobs = JobFolders(folder / "candidates")
        self.running: dict[int, RunningJob] = self._jobs.read(ended=self._numbers())
        """The jobs that have not ended, by the candidate's number."""
        self.starts = Starts(folder, self.ended) if log is not None else None
        """The starts that ended their process; None for somebody who only looks."""

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

    def searched(self) -> list[Outcome]:
        """Return the ended candidates that the generator proposed, in the order of their ends."""
        return [outcome for outcome in self.ended if outcome.purpose == "search"]

    def searching(self) -> list[Outcome]:
        """Return the running candidates that the generator proposed, in the order proposed."""
        return [r.row for r in self.running.values() if r.row.purpose == "search"]

    def trainings(self) -> int:
        """Return the number of trainings of the search, running ones included."""
        return sum(o.attempt > 0 for o in self.searched()) + len(self.searching())

    def of(self, genome_id: str, purpose: Purpose) -> list[Outcome]:
        """Return the ended trainings of one network for one purpose."""
        return [o for o in self.ended if o.genome_id == genome_id and o.purpose == purpose]

    def runs(self, genome_id: str) -> int:
        """Return the number of running trainings of one network."""
        return sum(running.row.genome_id == genome_id for running in self.running.values())

    def twin(self, fingerprint: str) -> Outcome | None:
        """Return a training of the search, ended or running, that computes the same function."""
        rows = (o for o in [*self.searched(), *self.searching()] if o.attempt > 0)
        return next((o for o in rows if o.fingerprint == fingerprint), None)

    def latencies(self, fingerprint: str) -> dict[str, Latency]:
        """Return the latencies measured so far of one function, by the question's words."""
        rows = [o for o in [*self.searched(), *self.searching()] if o.fingerprint == fingerprint]
        return {words: latency for row in rows for words, latency in row.latencies.items()}

    def next_number(self) -> int:
        """Return the number of the next candidate. Numbers are never used again."""
        return max([*self._numbers(), *self.running], default=-1) + 1

    def _numbers(self) -> set[int]:
        return {outcome.number for outcome in self.ended}


def is_visible(job: Job) -> bool:
    """Whether the folder that the driver made for a job can be seen from this machine."""
    return (Path(job.folder) / JOB).exists()


class JobFolders:
    """The folders of a campaign's candidates, with `<number>-<genome>/job.json` while one runs."""

    def __init__(self, folder: Path) -> None:
        """Keep the folders in `folder`."""
        self._folder = folder

    def folder_of(self, row: Outcome) -> Path:
        """Return the folder of a candidate's job, checkpoint and weights."""
        name = "".join(c if c.isalnum() else "-" for c in row.genome_id)
        return self._folder / f"{row.number:05d}-{name}"

    def write(self, running: RunningJob) -> None:
        """Write `job.json`, completely or not at all."""
        folder = Path(running.job.folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / JOB, dumps(running))

    def read(self, ended: Collection[int]) -> dict[int, RunningJob]:
        """Return the jobs of an interrupted run by number, without those that have `ended`.

        Raises `InputError` if a `job.json` cannot be read or belongs to another candidate.
        """
        found: dict[int, RunningJob] = {}
        for file in sorted(self._folder.glob(f"*/{JOB}")):
            running = from_plain(RunningJob, loads(file.read_bytes(), str(file)), str(file))
            if file.parent.name != self.folder_of(running.row).name:
                raise InputError(str(file), "belongs to another folder")
            if running.job.number not in ended:
                found[running.job.number] = running
        return found

    def clean(self, ended: Collection[int]) -> None:
        """Delete what killed processes left: files of `ended` jobs, and folders without a job.

        A folder has no job if its driver died just after making it, or if a worker outlived its
        driver. Weights that were to be kept are the only files that stay.
        """
        for folder in sorted(self._folder.glob("[0-9]*-*")):
            number = folder.name.partition("-")[0]
            if not number.isdigit() or not folder.is_dir() or folder.is_symlink():
                continue
            if int(number) in ended or not (folder / JOB).exists():
                _strip(folder)

    def forget(self, job: Job) -> None:
        """Delete the job's folder, or all but its weights if they are to be kept."""
        if job.keep_weights:
            _strip(Path(job.folder))
        else:
            shutil.rmtree(job.folder, ignore_errors=True)


def _strip(folder: Path) -> None:
    """Delete all but the weights. The job goes first, because without it nothing is resumed."""
    (folder / JOB).unlink(missing_ok=True)
    for file in folder.iterdir():
        if file.name != WEIGHTS:
            shutil.rmtree(file) if file.is_dir() else file.unlink()
    if not (folder / WEIGHTS).exists():
        folder.rmdir()
