"""A campaign's folder: its experiment, its record and its lock, opened by one driver at a time."""

import errno
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomli_w
from filelock import FileLock, Timeout

from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.context import Context, make_context
from gensynth.campaign.earlier import earlier_for, keep_earlier, kept_earlier
from gensynth.campaign.experiment import EXPERIMENT, Experiment, read_experiment
from gensynth.campaign.immutable import FIXED, changes, refuse_change
from gensynth.campaign.proxy_length import with_recorded_length
from gensynth.campaign.record_location import WHEREABOUTS, noted_whereabouts, whereabouts
from gensynth.campaign.record_only import RecordOnly
from gensynth.campaign.resume import renew_jobs
from gensynth.campaign.schedule import FINISH, Schedule
from gensynth.campaign.trust import is_own, named_code, remember
from gensynth.data.sets import Progress, with_chain
from gensynth.errors import InputError, nearest_path
from gensynth.generators.problem import EarlierCampaign
from gensynth.process import say
from gensynth.record.address import sqlite_url, without_password
from gensynth.record.event_log import Log
from gensynth.record.ledger import Ledger
from gensynth.record.optuna_study import Record
from gensynth.serialization import (
    PART,
    dumps,
    fields_of,
    from_plain,
    to_plain,
    write_whole,
)

SCHEMA = "gensynth.schema.json"
"""The schema that an experiment file names in its first line, for editors; it lies beside it."""
SCHEMA_LINE = f"#:schema ./{SCHEMA}\n"
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What systems answer on a file system without locks."""
DATA = "data_fingerprint"
"""Name of the note that identifies the images with which the campaign began."""
SETTLED = "settled"
"""Name of the note with the fields of the experiment that may not change."""
LEARNED_UNDER = ("generator", "score", "constraints", "finals")
"""If one of these fields changes, the generator restarts from the recorded outcomes."""


def known_experiment(folder: Path) -> Experiment:
    """Return the experiment of an existing campaign, with all defaults written out."""
    if not (folder / EXPERIMENT).is_file():
        problem = f"is not a campaign folder: it has no {EXPERIMENT}{nearest_path(folder)}"
        raise InputError(str(folder), problem)
    if not (folder / EXPERIMENT).stat().st_size:
        problem = (
            "is empty, as a power failure may leave it; restore it from a copy, or delete it and "
            "run the search again with its experiment file"
        )
        raise InputError(str(folder / EXPERIMENT), problem)
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


def open_record(folder: Path, storage: str | None = None, trust: bool = False) -> Record:
    """Open the record of an existing campaign for reading.

    Raises `InputError` if the folder names a database elsewhere that the user has not named for
    it, neither as `storage` nor when the campaign was started; `trust` allows it.
    """
    experiment = known_experiment(folder)
    _require_named(folder, experiment, storage, trust)
    place, _ = whereabouts(folder, storage)
    return Record.open(place.storage, place.study, create=False)


def viewing(
    folder: Path,
    experiment: Experiment | None = None,
    same_images: bool = False,
    trust: bool = False,
) -> CampaignDriver:
    """Open a campaign for reading, under its own rules and score or under those of `experiment`.

    Code that the folder names is run if this user has started the campaign, or with `trust`;
    otherwise only its record is read. With `same_images`, raise `InputError` if the data has
    changed since the campaign began.
    """
    old = known_experiment(folder)
    record = open_record(folder, trust=trust)
    _require_unchanged(record, old, folder)
    if experiment is not None:
        experiment = as_recorded(experiment, old)
        refuse_change(old, experiment, str(folder))
        ledger = Ledger(record, folder)
        reading = Schedule(folder)
        context = make_context(experiment, earlier=kept_earlier(folder))
        return CampaignDriver(context, ledger, sys.maxsize, schedule=reading)
    noted = noted_whereabouts(folder)
    if named_code(old) and not trust and not (noted and is_own(folder, old, noted)):
        return RecordOnly(old, Ledger(record, folder), str(record.noted(DATA)))
    context = make_context(old, earlier=kept_earlier(folder))
    if same_images:
        _refuse_other_data(record.noted(DATA), context)
    return CampaignDriver(context, Ledger(record, folder), schedule=Schedule(folder))


def _require_named(folder: Path, experiment: Experiment, storage: str | None, trust: bool) -> None:
    """Raise `InputError` if only a stranger's folder says that a database is to be connected to."""
    noted = noted_whereabouts(folder)
    if storage is not None or trust or noted is None or not noted.storage:
        return
    if not is_own(folder, experiment, noted):
        problem = f"names a database elsewhere ({noted.storage}), which was not connected to; "
        problem += "name it with --storage, or trust the folder with --trust"
        raise InputError(str(folder / WHEREABOUTS), problem)


@contextmanager
def driving(
    folder: Path,
    experiment: Experiment,
    storage: str | None,
    progress: Progress | None = None,
    trust: bool = False,
    retry_failed: bool = False,
    schedule: Schedule | None = None,
    earlier: Sequence[EarlierCampaign] = (),
) -> Iterator[CampaignDriver]:
    """Open the campaign in `folder` for running it: create, resume, or extend it.

    With `retry_failed`, or if the resources have changed, trainings that failed count no more, so
    that others take their place. `earlier` are trainings to learn from, for a new campaign.

    Raises `InputError` if another driver is running it, or if the experiment has changed in what
    must stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    old = known_experiment(folder) if (folder / EXPERIMENT).exists() else None
    if old is not None:
        experiment = as_recorded(experiment, old)
        refuse_change(old, experiment, str(folder))
        _require_named(folder, old, storage, trust)
    context = make_context(experiment, progress, earlier_for(folder, old is not None, earlier))
    context.check_usable(new=old is None)
    with _locked(folder), _opened(folder, storage, context.experiment) as record:
        _require_unchanged(record, context.experiment, folder)
        _require_data(record, context)
        keep_earlier(folder, earlier, begun=old is not None)
        _write_experiment(record, context.experiment, folder)
        _delete_drafts(folder)
        ledger = Ledger(record, folder, Log(folder / "log.jsonl"))
        ledger.clean()
        _account_for_changes(ledger, old, context.experiment, retry_failed)
        context = replace(context, watch=ledger.starts)
        renew_jobs(ledger, context)
        with closing(ledger), _staying(folder):
            yield CampaignDriver(context, ledger, schedule=schedule or Schedule(folder))


def _account_for_changes(
    ledger: Ledger, old: Experiment | None, new: Experiment, retry_failed: bool
) -> None:
    """Begin to learn anew under other rules; under other resources, run failed trainings again."""
    if old is not None and changes(old, new, LEARNED_UNDER):
        ledger.begin_anew()
    if retry_failed or (old is not None and old.resources != new.resources):
        ledger.forgive()


def is_driven(folder: Path) -> bool:
    """Return whether a driver is running the campaign in `folder`."""
    try:
        with _locked(folder):
            return False
    except InputError:
        return True


@contextmanager
def _staying(folder: Path) -> Iterator[None]:
    """Say so if an error in the block came about because somebody has moved the folder."""
    identity = folder.stat().st_ino
    try:
        yield
    except (InputError, OSError) as error:
        if folder.exists() and folder.stat().st_ino == identity:
            raise
        problem = "was moved or deleted while the search ran; nothing recorded is lost: run the "
        problem += "same command with its present place as --out"
        raise InputError(str(folder), problem) from error


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
def _opened(folder: Path, storage: str | None, experiment: Experiment) -> Iterator[Record]:
    """Open the record for writing; once it exists, note where it is."""
    place, known = whereabouts(folder, storage)
    record = Record.open(place.storage, place.study, create=not known, drive=True)
    try:
        kept = "" if place.storage == sqlite_url(folder) else without_password(place.storage)
        noted = replace(place, storage=kept)
        token = remember(folder, experiment, noted)
        write_whole(folder / WHEREABOUTS, dumps(replace(noted, token=token)))
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
    text = tomli_w.dumps(_without_none(to_plain(experiment)))
    write_whole(folder / EXPERIMENT, SCHEMA_LINE + text)


def _delete_drafts(folder: Path) -> None:
    """Delete unfinished files of drivers that were killed, and what told them to finish."""
    (folder / FINISH).unlink(missing_ok=True)
    for name in (f"*{PART}", ".best.*", ".shared-*"):
        for draft in folder.glob(name):
            is_folder = draft.is_dir() and not draft.is_symlink()
            shutil.rmtree(draft) if is_folder else draft.unlink()


def _without_none(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_none(item) for key, item in data.items() if item is not None}
    return [_without_none(item) for item in data] if isinstance(data, list) else data
