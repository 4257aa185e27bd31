"""The folders of running jobs, which survive the process that started them."""

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from gensynth.errors import InputError
from gensynth.evaluation.outcome import Outcome
from gensynth.serialization import dumps, from_plain, loads, read_file, write_whole
from gensynth.training.job import WEIGHTS, Job

JOB = "job.json"
"""A running job, in its own folder."""


@dataclass(frozen=True)
class RunningJob:
    """A job, and the row that is completed and recorded when it ends."""

    job: Job
    row: Outcome


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
        self._refuse_link()
        self._folder.mkdir(exist_ok=True)  # Without its parents: the campaign may have been moved.
        folder.mkdir(exist_ok=True)
        write_whole(folder / JOB, dumps(running))

    def read(self, ended: Collection[int]) -> dict[int, RunningJob]:
        """Return the jobs of an interrupted run by number, without those that have `ended`.

        A file that is empty or cut off, as a power failure may leave it, is no job. Raises
        `InputError` if a `job.json` cannot be read or belongs to another candidate.
        """
        found: dict[int, RunningJob] = {}
        for file in sorted(self._folder.glob(f"*/{JOB}")):
            if not _is_whole(file):
                continue
            running = from_plain(RunningJob, loads(read_file(file), str(file)), str(file))
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
        self._refuse_link()
        for folder in sorted(self._folder.glob("[0-9]*-*")):
            number = folder.name.partition("-")[0]
            if not number.isdigit() or not folder.is_dir() or folder.is_symlink():
                continue
            if int(number) in ended or not _is_whole(folder / JOB):
                _strip(folder)

    def _refuse_link(self) -> None:
        """Raise `InputError` for a link: files of another folder would be deleted."""
        if self._folder.is_symlink():
            problem = "is a link, but candidates are deleted here; remove it, or use another --out"
            raise InputError(str(self._folder), problem)

    def forget(self, job: Job) -> None:
        """Delete the job's folder, or all but its weights if they are to be kept."""
        if job.keep_weights:
            _strip(Path(job.folder))
        else:
            shutil.rmtree(job.folder, ignore_errors=True)


def _is_whole(file: Path) -> bool:
    """Whether a file is there and has been written to its end."""
    try:
        loads(read_file(file), str(file))
    except (FileNotFoundError, InputError):
        return False
    return True


def _strip(folder: Path) -> None:
    """Delete all but the weights. The job goes first, because without it nothing is resumed."""
    (folder / JOB).unlink(missing_ok=True)
    for file in folder.iterdir():
        if file.name != WEIGHTS:
            shutil.rmtree(file) if file.is_dir() else file.unlink()
    if not (folder / WEIGHTS).exists():
        folder.rmdir()
