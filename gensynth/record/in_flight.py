"""Jobs that were handed out and have not ended: one folder each, so that a crash loses none."""

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from gensynth.errors import InputError
from gensynth.outcome import Outcome
from gensynth.plain import dumps, from_plain, loads
from gensynth.proxy import Job


@dataclass(frozen=True)
class Pending:
    """A job, and the row of the record that waits for its end."""

    job: Job
    row: Outcome


class InFlight:
    """The folder of a campaign's candidates; `<number>-<genome>/job.json` while one runs."""

    def __init__(self, folder: Path) -> None:
        """Keep the jobs' folders under `folder`."""
        self._folder = folder

    def folder_of(self, row: Outcome) -> Path:
        """Name the folder of a candidate: its job, its checkpoint, its weights."""
        name = "".join(c if c.isalnum() else "-" for c in row.genome_id)
        return self._folder / f"{row.number:05d}-{name}"

    def write(self, pending: Pending) -> None:
        """Leave the job on disk, whole or not at all."""
        folder = Path(pending.job.folder)
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / "job.json.part"
        draft.write_text(dumps(pending), encoding="utf-8")
        draft.replace(folder / "job.json")

    def read(self, ended: Collection[int]) -> dict[int, Pending]:
        """Find the jobs of an interrupted run by number, without those that have `ended`."""
        found: dict[int, Pending] = {}
        for file in sorted(self._folder.glob("*/job.json")):
            pending = from_plain(Pending, loads(file.read_bytes(), str(file)), str(file))
            if file.parent.name != self.folder_of(pending.row).name:
                raise InputError(str(file), "belongs to another folder")
            if pending.job.number not in ended:
                found[pending.job.number] = pending
        return found

    def clean(self, ended: Collection[int]) -> None:
        """Remove what an interrupted run left of jobs whose end is recorded."""
        for file in sorted(self._folder.glob("*/job.json")):
            pending = from_plain(Pending, loads(file.read_bytes(), str(file)), str(file))
            if pending.job.number in ended:
                self.forget(pending.job)

    def forget(self, job: Job) -> None:
        """Remove what only an interrupted training needs; kept weights stay."""
        folder = Path(job.folder)
        if job.keep_weights:
            (folder / "job.json").unlink(missing_ok=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
