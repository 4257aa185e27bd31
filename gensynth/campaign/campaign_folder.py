"""A campaign's folder: its experiment, its record and its lock, opened by one driver at a time."""

import errno
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w
from filelock import FileLock, Timeout

from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.context import Context, make_context
from gensynth.campaign.experiment import EXPERIMENT, Experiment, read_experiment
from gensynth.campaign.immutable import FIXED, changes, refuse_change
from gensynth.campaign.proxy_length import with_recorded_length
from gensynth.campaign.resume import renew_jobs
from gensynth.data.sets import Progress, with_chain
from gensynth.errors import InputError
from gensynth.genome import digest
from gensynth.process import say
from gensynth.record.address import sqlite_url, without_password
from gensynth.record.ledger import Ledger
from gensynth.record.log import Log
from gensynth.record.study import Record
from gensynth.serialization import (
    PART,
    dumps,
    fields_of,
    from_plain,
    loads,
    to_plain,
    write_whole,
)

WHEREABOUTS = "record.json"
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What systems answer on a file system without locks."""
DATA = "data_fingerprint"
"""Name of the note that identifies the images with which the campaign began."""
SETTLED = "settled"
"""Name of the note with the fields of the experiment that may not change."""
LEARNED_UNDER = ("generator", "score", "constraints", "finals")
"""If one of these fields changes, the generator restarts from the recorded outcomes."""


@dataclass(frozen=True)
class Whereabouts:
    """Where a campaign's record is kept: a database URL, and the name of the study in it."""

    storage: str
    """Without a password. Empty for `study.db` in the folder, even if the folder is moved."""
    study: str


def whereabouts(folder: Path, storage: str | None = None) -> tuple[Whereabouts, bool]:
    """Return where the record of `folder` is or will be, and whether it must exist already.

    Raises `InputError` if `storage` names another place, or if `record.json` has been lost.
    """
    file = folder / WHEREABOUTS
    if not file.exists():
        if (folder / EXPERIMENT).exists():
            problem = "missing, so the record cannot be found; put the file back"
            raise InputError(str(file), problem)
        name = f"{folder.resolve().name}-{digest(str(folder.resolve()))}"
        return Whereabouts(storage or sqlite_url(folder), name), False
    known = from_plain(Whereabouts, loads(file.read_bytes(), str(file)), str(file))
    kept = known.storage or sqlite_url(folder)
    if storage is not None and without_password(storage) != without_password(kept):
        raise InputError("--storage", f"this campaign's record is kept in {kept}")
    return Whereabouts(storage or kept, known.study), True


def known_experiment(folder: Path) -> Experiment:
    """Return the experiment of an existing campaign, with all defaults written out."""
    if not (folder / EXPERIMENT).is_file():
        raise InputError(str(folder), f"is not a campaign folder: it has no {EXPERIMENT}")
    experiment = read_experiment(folder / EXPERIMENT)
    return replace(experiment, data=with_chain(experiment.data, "two_resizes"))


def changed_rules(folder: Path, experiment: Experiment) -> list[str]:
    """Return in which rules `experiment` differs from the campaign in `folder`, if there is one."""
    if not (folder / EXPERIMENT).exists():
        return []
    old = known_experiment(folder)
    return changes(old, as_recorded(experiment, old), LEARNED_UNDER)


def as_recorded(experiment: Experiment, old: Experiment) -> Experiment:
    """Return `experiment` with what it leaves to the campaign that has begun as `old`."""
    data = with_chain(experiment.data, old.data.chain or "two_resizes")
    return with_recorded_length(replace(experiment, data=data), old)


def open_record(folder: Path, storage: str | None = None) -> Record:
    """Open the record of an existing campaign for reading."""
    known_experiment(folder)
    place, _ = whereabouts(folder, storage)
    return Record.open(place.storage, place.study, create=False)


def viewing(
    folder: Path, experiment: Experiment | None = None, same_images: bool = False
) -> CampaignDriver:
    """Open a campaign for reading, under its own rules and score or under those of `experiment`.

    With `same_images`, raise `InputError` if the data has changed since the campaign began.
    """
    old = known_experiment(folder)
    record = open_record(folder)
    _require_unchanged(record, old, folder)
    if experiment is None:
        context = make_context(old)
        if same_images:
            _refuse_other_data(record.noted(DATA), context)
        return CampaignDriver(context, Ledger(record, folder))
    experiment = as_recorded(experiment, old)
    refuse_change(old, experiment, str(folder))
    return CampaignDriver(make_context(experiment), Ledger(record, folder), sys.maxsize)


@contextmanager
def driving(
    folder: Path, experiment: Experiment, storage: str | None, progress: Progress | None = None
) -> Iterator[CampaignDriver]:
    """Open the campaign in `folder` for running it: create, resume, or extend it.

    Raises `InputError` if another driver is running it, or if the experiment has changed in what
    must stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    old = known_experiment(folder) if (folder / EXPERIMENT).exists() else None
    if old is not None:
        experiment = as_recorded(experiment, old)
        refuse_change(old, experiment, str(folder))
    context = make_context(experiment, progress)
    context.check_measurable()
    with _locked(folder), _opened(folder, storage) as record:
        _require_unchanged(record, context.experiment, folder)
        _require_data(record, context)
        _write_experiment(record, context.experiment, folder)
        _delete_drafts(folder)
        ledger = Ledger(record, folder, Log(folder / "log.jsonl"))
        ledger.clean()
        if old is not None and changes(old, context.experiment, LEARNED_UNDER):
            ledger.begin_anew()
        context = replace(context, watch=ledger.starts)
        renew_jobs(ledger, context)
        with closing(ledger):
            yield CampaignDriver(context, ledger)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / "driver.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(str(folder), "another gensynth search is running here") from None
    except (OSError, NotImplementedError) as error:
        if getattr(error, "errno", errno.ENOSYS) not in NO_LOCKS:
            raise
        say(f"{folder}: this file system has no locks; the record alone keeps other drivers out")
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _opened(folder: Path, storage: str | None) -> Iterator[Record]:
    """Open the record for writing; once it exists, note where it is."""
    place, known = whereabouts(folder, storage)
    record = Record.open(place.storage, place.study, create=not known, drive=True)
    try:
        kept = "" if place.storage == sqlite_url(folder) else without_password(place.storage)
        write_whole(folder / WHEREABOUTS, dumps(Whereabouts(kept, place.study)))
        yield record
    finally:
        record.close()


def _require_unchanged(record: Record, experiment: Experiment, folder: Path) -> None:
    """Raise `InputError` if `experiment.toml` was edited in what a campaign may not change."""
    noted = record.noted(SETTLED)
    if not isinstance(noted, dict):
        return
    kinds, place = fields_of(Experiment), f"{folder}: record"
    known = {key: from_plain(kinds[key], noted[key], place) for key in FIXED if key in noted}
    if "data" in known:
        known["data"] = with_chain(known["data"], "two_resizes")
    refuse_change(replace(experiment, **known), experiment, str(folder))


def _require_data(record: Record, context: Context) -> None:
    """Note which images a campaign begins with, and refuse others later."""
    noted = record.noted(DATA)
    if noted is None:
        record.note(DATA, context.data_fingerprint)
    _refuse_other_data(noted, context)


def _refuse_other_data(noted: object, context: Context) -> None:
    """Raise `InputError` if the images are not those that the record has noted."""
    if noted not in (None, context.data_fingerprint):
        problem = (
            f"the data has changed since the campaign began (fingerprint {noted} then, "
            f"{context.data_fingerprint} now): put it back, or use another --out folder"
        )
        raise InputError(context.experiment.data.path, problem)


def _write_experiment(record: Record, experiment: Experiment, folder: Path) -> None:
    if record.noted(SETTLED) is None:
        record.note(SETTLED, {key: to_plain(getattr(experiment, key)) for key in FIXED})
    write_whole(folder / EXPERIMENT, tomli_w.dumps(_without_none(to_plain(experiment))))


def _delete_drafts(folder: Path) -> None:
    """Delete unfinished files of drivers that were killed."""
    for name in (f"*{PART}", ".best.*", ".shared-*"):
        for draft in folder.glob(name):
            shutil.rmtree(draft) if draft.is_dir() else draft.unlink()


def _without_none(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_none(item) for key, item in data.items() if item is not None}
    return [_without_none(item) for item in data] if isinstance(data, list) else data
