"""Jobs that were handed out and have not ended: one folder each, so that a crash loses none."""

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from gensynth.errors import InputError
from gensynth.evaluation.outcome import Outcome
from gensynth.serialization import dumps, from_plain, loads, write_whole
from gensynth.training.job import WEIGHTS, Job


@dataclass(frozen=True)
class Pending:
    """A job, and the row of the record that waits for its end."""

    job: Job
    row: Outcome


def in_flight(job: Job) -> bool:
    """Say whether the job's folder is the one that the driver has made: it may be elsewhere."""
    return (Path(job.folder) / "job.json").exists()


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
        write_whole(folder / "job.json", dumps(pending))

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
        """Remove what killed drivers and workers left: of ended jobs, and of none at all.

        A folder without a job was made just before its driver died, or by a worker that outlived
        it; weights that were kept are the only files that stay.
        """
        for folder in sorted(self._folder.glob("[0-9]*-*")):
            number = folder.name.partition("-")[0]
            if not number.isdigit() or not folder.is_dir() or folder.is_symlink():
                continue
            if int(number) in ended or not (folder / "job.json").exists():
                _strip(folder)

    def forget(self, job: Job) -> None:
        """Remove what only an interrupted training needs; kept weights stay."""
        if job.keep_weights:
            _strip(Path(job.folder))
        else:
            shutil.rmtree(job.folder, ignore_errors=True)


def _strip(folder: Path) -> None:
    """Remove all but the weights, the job first: without it nothing is resumed."""
    (folder / "job.json").unlink(missing_ok=True)
    for file in folder.iterdir():
        if file.name != WEIGHTS:
            shutil.rmtree(file) if file.is_dir() else file.unlink()
    if not (folder / WEIGHTS).exists():
        folder.rmdir()
