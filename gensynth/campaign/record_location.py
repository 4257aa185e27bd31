"""Where the record of a campaign's folder is kept: `record.json`."""

from dataclasses import dataclass, replace
from pathlib import Path

from gensynth.campaign.experiment import EXPERIMENT
from gensynth.errors import InputError
from gensynth.genome import digest
from gensynth.record.address import sqlite_url, without_password
from gensynth.serialization import Plain, from_plain, loads, read_file

WHEREABOUTS = "record.json"


@dataclass(frozen=True)
class Whereabouts:
    """Where a campaign's record is kept: a database URL, and the name of the study in it."""

    storage: str
    """Without a password. Empty for `study.db` in the folder, even if the folder is moved."""
    study: str
    token: str = ""
    """Tells this campaign from all others in the user's own state folder; see `trust`."""


def noted_whereabouts(folder: Path) -> Whereabouts | None:
    """Return what `record.json` says; None if there is none."""
    file = folder / WHEREABOUTS
    return from_plain(Whereabouts, _whole(file), str(file)) if file.exists() else None


def whereabouts(folder: Path, storage: str | None = None) -> tuple[Whereabouts, bool]:
    """Return where the record of `folder` is or will be, and whether it must exist already.

    Raises `InputError` if `storage` names another place, or if `record.json` has been lost.
    """
    file, known = folder / WHEREABOUTS, noted_whereabouts(folder)
    if known is None:
        if (folder / EXPERIMENT).exists():
            problem = "missing, so the record cannot be found; put the file back"
            raise InputError(str(file), problem)
        name = f"{folder.resolve().name}-{digest(str(folder.resolve()))}"
        return Whereabouts(storage or sqlite_url(folder), name), False
    kept = known.storage or sqlite_url(folder)
    if storage is not None and without_password(storage) != without_password(kept):
        raise InputError("--storage", f"this campaign's record is kept in {kept}")
    return replace(known, storage=storage or kept), True


def _whole(file: Path) -> Plain:
    """Read `record.json`, or say how to write it anew."""
    try:
        return loads(read_file(file), str(file))
    except InputError as error:
        problem = (
            f"{error.problem}, as a power failure may leave it; restore it from a copy. For a "
            'record in study.db it is {"storage": "", "study": NAME}, with the NAME that '
            f'sqlite3 {file.with_name("study.db")} "SELECT study_name FROM studies" prints'
        )
        raise InputError(str(file), problem) from None
