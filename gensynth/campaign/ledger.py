"""All candidates of a campaign: those that ended, in the order told, and those that run."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gensynth.evaluation.latency import Latency
from gensynth.evaluation.outcome import Outcome, Purpose
from gensynth.record.log import Log
from gensynth.record.pending import InFlight, Pending
from gensynth.record.study import Record
from gensynth.training.job import Job


class Ledger:
    """What a campaign knows after a crash: the record and the jobs' folders, seen as one."""

    def __init__(self, record: Record, folder: Path, log: Log) -> None:
        """Read what has ended from the record, and what has not from `folder`/candidates."""
        self.record = record
        self.folder = folder
        self.in_flight = InFlight(folder / "candidates")
        self.log = log
        self.ended: list[Outcome] = record.outcomes()
        self.running: dict[int, Pending] = self.in_flight.read(ended=self._numbers())

    def start(self, job: Job, row: Outcome) -> Job:
        """Enter a job that is handed out; it lies on disk before anybody works on it."""
        row = replace(row, attempt=job.attempt, training_seed=job.training_seed)
        self.running[job.number] = Pending(job, row)
        self.in_flight.write(self.running[job.number])
        self.log.candidate("started", row)
        return job

    def take(self, job: Job) -> Outcome:
        """Take the row of a job that has ended out of those that run."""
        return self.running.pop(job.number).row

    def close(self, row: Outcome, options: Mapping[str, Any]) -> None:
        """Enter an end, once and whole; `options` are those of the row's decisions."""
        self.record.add(row, options)
        self.ended.append(row)
        self.log.candidate(row.ending, row)

    def searched(self) -> list[Outcome]:
        """Give the ended rows that the generator proposed, in the order told."""
        return [outcome for outcome in self.ended if outcome.purpose == "search"]

    def searching(self) -> list[Outcome]:
        """Give the running rows that the generator proposed, in the order asked."""
        return [p.row for p in self.running.values() if p.row.purpose == "search"]

    def trainings(self) -> int:
        """Count the trainings of the search itself, the running ones included."""
        return sum(o.attempt > 0 for o in self.searched()) + len(self.searching())

    def of(self, genome_id: str, purpose: Purpose) -> list[Outcome]:
        """Find what ended of one network, trained for one purpose."""
        return [o for o in self.ended if o.genome_id == genome_id and o.purpose == purpose]

    def runs(self, genome_id: str) -> int:
        """Count the running trainings of one network."""
        return sum(pending.row.genome_id == genome_id for pending in self.running.values())

    def twin(self, fingerprint: str) -> Outcome | None:
        """Find a training of the same function in the search, ended or running."""
        rows = (o for o in [*self.searched(), *self.searching()] if o.attempt > 0)
        return next((o for o in rows if o.fingerprint == fingerprint), None)

    def latencies(self, fingerprint: str) -> dict[str, Latency]:
        """Collect what was measured of a function's latency, by the words of the question."""
        rows = [o for o in [*self.searched(), *self.searching()] if o.fingerprint == fingerprint]
        return {words: latency for row in rows for words, latency in row.latencies.items()}

    def next_number(self) -> int:
        """Number the next candidate; numbers are never used again."""
        return max([*self._numbers(), *self.running], default=-1) + 1

    def _numbers(self) -> set[int]:
        return {outcome.number for outcome in self.ended}
