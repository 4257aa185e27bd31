"""A campaign's folder: its experiment, its record, its lock; opened by one driver at a time."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w
from filelock import FileLock, Timeout

from gensynth.campaign.campaign import Campaign
from gensynth.campaign.context import Context, make_context
from gensynth.campaign.experiment import EXPERIMENT, Experiment, read_experiment
from gensynth.campaign.immutable import FIXED, changes, refuse_change
from gensynth.campaign.proxy_length import as_before
from gensynth.campaign.resume import renew
from gensynth.data.sets import Progress
from gensynth.errors import InputError
from gensynth.genome import digest
from gensynth.record.address import sqlite_url, without_password
from gensynth.record.log import Log
from gensynth.record.pending import InFlight
from gensynth.record.study import Record
from gensynth.serialization import (
    PART,
    Plain,
    dumps,
    fields_of,
    from_plain,
    loads,
    to_plain,
    write_whole,
)

WHEREABOUTS = "record.json"
DATA = "data_fingerprint"
"""Of the images that a campaign began with, as its record has noted it."""
SETTLED = "settled"
"""What of the experiment may not change, as the record has noted it when it was new."""
LEARNED_UNDER = ("generator", "score", "constraints", "finals")
"""What, when it changes, makes the generator start anew from the recorded outcomes."""


@dataclass(frozen=True)
class Whereabouts:
    """Where a campaign's record is kept: a database URL and the study's name there."""

    storage: str
    """Empty for `study.db` in the folder, wherever that is moved; never with a password."""
    study: str


def whereabouts(folder: Path, storage: str | None = None) -> tuple[Whereabouts, bool]:
    """Read where the record of `folder` is, or decide it; say whether it must be there already."""
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
    """Read the resolved experiment of an existing campaign."""
    if not (folder / EXPERIMENT).is_file():
        raise InputError(str(folder), f"is no campaign folder: it has no {EXPERIMENT}")
    return read_experiment(folder / EXPERIMENT)


def changed_rules(folder: Path, experiment: Experiment) -> list[str]:
    """Say in which rules `experiment` differs from the campaign in `folder`, if there is one."""
    if not (folder / EXPERIMENT).exists():
        return []
    old = known_experiment(folder)
    return changes(old, as_before(experiment, old), LEARNED_UNDER)


def open_record(folder: Path, storage: str | None = None) -> Record:
    """Open the record of an existing campaign, to read it."""
    known_experiment(folder)
    place, _ = whereabouts(folder, storage)
    return Record.open(place.storage, place.study, create=False)


def viewing(
    folder: Path, experiment: Experiment | None = None, same_images: bool = False
) -> Campaign:
    """Open a campaign to look at it, under its own rules and score or under others.

    With `same_images` an `InputError` says where other images lie in the place of its own.
    """
    old = known_experiment(folder)
    record = open_record(folder)
    _require_settled(record, old, folder)
    if experiment is None:
        since, context = record.noted("since"), make_context(old)
        if same_images:
            _refuse_other_data(record.noted(DATA), context)
        return Campaign(context, record, folder, since if isinstance(since, int) else 0)
    experiment = as_before(experiment, old)
    refuse_change(old, experiment, str(folder))
    return Campaign(make_context(experiment), record, folder, sys.maxsize)


@contextmanager
def driving(
    folder: Path, experiment: Experiment, storage: str | None, progress: Progress | None = None
) -> Iterator[Campaign]:
    """Open the campaign in `folder` for running it: create, resume, or extend it.

    Raises `InputError` where another driver runs it, or the experiment may not change so.
    """
    folder.mkdir(parents=True, exist_ok=True)
    old = known_experiment(folder) if (folder / EXPERIMENT).exists() else None
    if old is not None:
        experiment = as_before(experiment, old)
        refuse_change(old, experiment, str(folder))
    context = make_context(experiment, progress)
    experiment = context.experiment
    context.check_measurable()
    lock = FileLock(folder / "driver.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(str(folder), "another gensynth search is running here") from None
    record = None
    try:
        record = _record(folder, storage)
        _require_settled(record, experiment, folder)
        _require_data(record, context)
        if record.noted(SETTLED) is None:
            record.note(SETTLED, {key: _plain(experiment, key) for key in FIXED})
        write_whole(folder / EXPERIMENT, tomli_w.dumps(_without_none(to_plain(experiment))))
        _tidy(folder, record)
        since = _since(record, old, experiment, folder)
        campaign = Campaign(context, record, folder, since, Log(folder / "log.jsonl"))
        renew(campaign)
        yield campaign
    finally:
        if record is not None:
            record.close()
        lock.release()


def _record(folder: Path, storage: str | None) -> Record:
    """Open the record for writing, and note where it is once it is there."""
    place, known = whereabouts(folder, storage)
    record = Record.open(place.storage, place.study, create=not known, drive=True)
    kept = "" if place.storage == sqlite_url(folder) else without_password(place.storage)
    write_whole(folder / WHEREABOUTS, dumps(Whereabouts(kept, place.study)))
    return record


def _require_settled(record: Record, experiment: Experiment, folder: Path) -> None:
    """Raise `InputError` where `experiment.toml` was edited in what a campaign may not change."""
    noted = record.noted(SETTLED)
    if not isinstance(noted, dict):
        return
    kinds, place = fields_of(Experiment), f"{folder}: record"
    known = {key: from_plain(kinds[key], noted[key], place) for key in FIXED if key in noted}
    refuse_change(replace(experiment, **known), experiment, str(folder))


def _require_data(record: Record, context: Context) -> None:
    """Note which images a campaign begins with; refuse others later."""
    noted = record.noted(DATA)
    if noted is None:
        record.note(DATA, context.data_fingerprint)
    _refuse_other_data(noted, context)


def _refuse_other_data(noted: object, context: Context) -> None:
    """Raise `InputError` where other images lie in the place of the campaign's."""
    if noted not in (None, context.data_fingerprint):
        problem = (
            f"the data has changed since the campaign began (fingerprint {noted} then, "
            f"{context.data_fingerprint} now): put it back, or use another --out folder"
        )
        raise InputError(context.experiment.data.path, problem)


def _tidy(folder: Path, record: Record) -> None:
    """Remove what drivers and workers left that were killed: drafts, and jobs that have ended."""
    drafts = [file for name in (f"*{PART}", ".best.*", ".shared-*") for file in folder.glob(name)]
    for draft in drafts:
        shutil.rmtree(draft) if draft.is_dir() else draft.unlink()
    InFlight(folder / "candidates").clean({o.number for o in record.outcomes()})


def _since(record: Record, old: Experiment | None, new: Experiment, folder: Path) -> int:
    """Find from which candidate on the present generator, rules and score were in force."""
    since = record.noted("since")
    since = since if isinstance(since, int) else 0
    if old is None or all(_plain(old, key) == _plain(new, key) for key in LEARNED_UNDER):
        return since
    rows = [outcome.number for outcome in record.outcomes()]
    running = InFlight(folder / "candidates").read(ended=rows)
    since = max([*rows, *running], default=-1) + 1
    record.note("since", since)
    return since


def _plain(experiment: Experiment, key: str) -> Plain:
    return to_plain(getattr(experiment, key))


def _without_none(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_none(item) for key, item in data.items() if item is not None}
    return [_without_none(item) for item in data] if isinstance(data, list) else data
