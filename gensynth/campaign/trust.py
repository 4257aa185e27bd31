"""Whose code a campaign's folder may name: installed plugins always, others only its own user's.

An experiment may name code as `module:attribute`. In a file that the user names, it is the user's
own. A campaign's folder may come from somebody else, so the code that it names runs only if this
user has started that campaign. A token in the folder refers to a note in the user's own state
folder, which says what the user named then; a folder that was changed afterwards does not fit it.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gensynth.campaign.experiment import Experiment
from gensynth.campaign.record_location import Whereabouts
from gensynth.errors import InputError
from gensynth.genome import digest
from gensynth.plugins import names
from gensynth.process import STATE as STATE
from gensynth.process import state_folder
from gensynth.serialization import dumps, from_plain, loads, to_plain, write_whole

CODE = re.compile(r"[A-Za-z_][\w./-]*:[A-Za-z_]\w*")
NO_CODE = ("timm", "published", "hub")
"""What may precede a colon without naming a module."""
REMEDY = "--trust runs it, if you trust whoever made the folder"


@dataclass(frozen=True)
class Started:
    """What a user named when a campaign was started or resumed."""

    folder: str
    code: tuple[str, ...]
    home: str
    """Where the modules were looked up."""
    storage: str


def named_code(experiment: Experiment) -> tuple[str, ...]:
    """Return every `module:attribute` that an experiment names, in the options of plugins too."""
    parts = (experiment.space, experiment.score, experiment.generator, experiment.stopping)
    safe = {*NO_CODE, *names("search_space")}
    found = {
        word
        for word in _words(to_plain([*parts, experiment.constraints]))
        if CODE.fullmatch(word) and word.partition(":")[0] not in safe
    }
    return tuple(sorted(found))


def remember(folder: Path, experiment: Experiment, place: Whereabouts) -> str:
    """Note what the user of this process names for the campaign in `folder`; return its token.

    A state folder that cannot be written is no reason to fail: the user is asked for `--trust`.
    """
    started = _started(folder, experiment, place.storage)
    if place.token and _note(place.token) == started:
        return place.token
    token = secrets.token_hex(16)
    with suppress(OSError):
        _file(token).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(_file(token), dumps(started))
    return token


def is_own(folder: Path, experiment: Experiment, place: Whereabouts) -> bool:
    """Whether this user started the campaign in `folder` with the code and record it names.

    The folder may have been moved, unless the code lies in it, where it may have been changed.
    """
    note = _note(place.token) if place.token else None
    now = _started(folder, experiment, place.storage)
    if note is None or (note.code, note.home, note.storage) != (now.code, now.home, now.storage):
        return False
    inside = Path(now.home).resolve().is_relative_to(folder.resolve())
    return note.folder == now.folder or not inside


def require_own_code(folder: Path, experiment: Experiment, place: Whereabouts | None) -> None:
    """Raise `InputError` if the folder names code that this user has not named for it."""
    code = named_code(experiment)
    if code and not (place and is_own(folder, experiment, place)):
        raise InputError(str(folder), f"{not_run(code)}; {REMEDY}")


def not_run(code: tuple[str, ...]) -> str:
    """Say that code was not run."""
    return f"its experiment names code that is not installed ({', '.join(code)}), which was not run"


def _file(token: str) -> Path:
    return state_folder() / "campaigns" / f"{digest(token)}.json"


def _note(token: str) -> Started | None:
    try:
        text = _file(token).read_bytes()
        return from_plain(Started, loads(text, "state"), "state")
    except (OSError, InputError):
        return None


def _started(folder: Path, experiment: Experiment, storage: str) -> Started:
    home = str(Path(experiment.folder).resolve())
    return Started(str(folder.resolve()), named_code(experiment), home, storage)


def _words(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for item in data.values():
            yield from _words(item)
    elif isinstance(data, list):
        for item in data:
            yield from _words(item)
