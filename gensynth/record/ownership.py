"""The right to write a campaign's record: one driver at a time, checked in each transaction.

A lock file can be deleted, and some file systems have no locks. So the driver also writes a token
of its own into the record, and each transaction compares it before it commits. The comparison is an
update of the token's row: it takes the database's write lock, so no other driver can come between.
"""

import json
import os
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optuna.storages import RDBStorage
from sqlalchemy import text
from sqlalchemy.event import listen

from gensynth.errors import InputError
from gensynth.serialization import from_plain, to_plain

DRIVER = "driver"
"""Name of the study's attribute that holds the token."""
COMPARE = text(
    "UPDATE study_user_attributes SET value_json = value_json"
    " WHERE study_id = :study AND key = 'driver' AND value_json = :token"
)
HOLDER = text(
    "SELECT value_json FROM study_user_attributes WHERE study_id = :study AND key = 'driver'"
)
COUNT = text(
    "SELECT count(*) FROM trial_user_attributes AS facts JOIN trials"
    " ON trials.trial_id = facts.trial_id"
    " WHERE trials.study_id = :study AND facts.key = 'number' AND facts.value_json = :number"
)
_held: set[str] = set()
"""The tokens of this process's own open records."""


@dataclass(frozen=True)
class Owner:
    """A driver: the process, where it runs, and a token that no other driver has."""

    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    began: str = field(default_factory=lambda: began(os.getpid()))
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    def lives_here(self) -> bool:
        """Whether the process certainly runs on this machine; False if that is not known."""
        if self.pid == os.getpid():
            return self.token in _held
        return (
            self.host == socket.gethostname()
            and bool(self.began)
            and (began(self.pid) == self.began)
        )

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


class Right:
    """The right to write one study; every commit of its storage is refused once it is lost."""

    def __init__(self, storage: RDBStorage, study_id: int, place: str) -> None:
        """Take the right, unless another driver that lives on this machine has it.

        Raises `InputError` if there is one; errors name the database as `place`.
        """
        self._storage, self._study, self._place = storage, study_id, place
        holder = _owner(storage.get_study_user_attrs(study_id).get(DRIVER))
        if holder is not None and holder.lives_here():
            problem = f"another gensynth search is running on this campaign ({holder})"
            raise InputError(place, f"{problem}; end it or wait for it")
        self._owner = Owner()
        self._adding: int | None = None
        _held.add(self._owner.token)
        storage.set_study_user_attr(study_id, DRIVER, to_plain(self._owner))
        listen(storage.scoped_session.session_factory, "before_commit", self._check)

    def adds(self, number: int | None) -> None:
        """State which candidate the next transaction records; its number must be new."""
        self._adding = number

    def give_up(self) -> None:
        """Let another driver in at once; without this, it must first find this process dead."""
        _held.discard(self._owner.token)

    def _check(self, session: Any) -> None:
        """Refuse a commit of a driver that has lost its right, or that would double a row."""
        mine = {"study": self._study, "token": json.dumps(to_plain(self._owner))}
        if session.execute(COMPARE, mine).rowcount != 1:
            found = session.execute(HOLDER, mine).scalar()
            holder = _owner(json.loads(found)) if found else None
            who = f" ({holder})" if holder else ""
            problem = f"another gensynth search{who} has taken over this campaign, so this one ends"
            raise InputError(self._place, problem)
        if self._adding is None:
            return
        session.flush()
        row = {"study": self._study, "number": json.dumps(self._adding)}
        if session.execute(COUNT, row).scalar() != 1:
            raise InputError(self._place, f"candidate {self._adding} has been recorded before")


def began(pid: int) -> str:
    """Return when a process of this machine began, in the kernel's words; empty if unknown."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return words.rpartition(")")[2].split()[19]


def _owner(found: Any) -> Owner | None:
    try:
        return from_plain(Owner, found, DRIVER) if found else None
    except InputError:
        return None
