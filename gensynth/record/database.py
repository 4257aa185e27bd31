"""A database that is slow, gone for a while, full, damaged, or driven by somebody else."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy.event import listen
from sqlalchemy.exc import SQLAlchemyError

from gensynth.errors import InputError
from gensynth.genome import digest
from gensynth.record.address import for_sqlalchemy, is_postgres, without_password

T = TypeVar("T")
PATIENCE_S = 300.0
"""How long a server may be gone in mid-campaign; `GENSYNTH_DATABASE_PATIENCE_S` wins."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
DYING_S = 5.0
"""How long a driver that has just died may still hold its lock."""
GONE = (StorageInternalError, SQLAlchemyError)
KEEPALIVE = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
"""The server notices within a minute that a driver's whole machine is gone."""


def open_storage(storage: str, driven: str | None) -> RDBStorage:
    """Connect to a database; `driven` names the study of which we are the one driver.

    On PostgreSQL the single connection takes an advisory lock as soon as it is made, and again
    after every loss: what is written and who may write hold or end together.
    """
    if not is_postgres(storage):
        return RDBStorage(storage)
    place = without_password(storage)
    settings = {"connect_args": {"options": KEEPALIVE, "connect_timeout": 10}}
    try:
        base = RDBStorage(for_sqlalchemy(storage), engine_kwargs=settings)
    except ImportError as error:
        problem = "PostgreSQL needs psycopg: pip install 'gensynth[postgres]'"
        raise InputError(place, problem) from error
    if driven is not None:
        key = int(digest(driven), 16) % 2**63
        base.remove_session()
        base.engine.dispose()  # Optuna needed several connections to open; from now on it is one.
        listen(base.engine, "connect", lambda connection, _: _take_lock(connection, key, place))
    return base


def _take_lock(connection: Any, key: int, place: str) -> None:
    """Become the driver on a fresh connection; `InputError` where another one lives."""
    deadline = time.monotonic() + DYING_S
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", (key,))
            (locked,) = cursor.fetchone()
        connection.commit()
        if locked:
            return
        if time.monotonic() > deadline:
            raise InputError(place, "another gensynth search is running on this campaign")
        time.sleep(FIRST_PAUSE_S)


def require_record(file: Path, place: str) -> None:
    """Raise `InputError` where an SQLite file is damaged or holds something else; change nothing.

    SQLite itself rolls back here what a killed driver had begun to write.
    """
    if not file.exists() or file.stat().st_size == 0:
        return
    with closing(sqlite3.connect(file, timeout=30)) as connection:
        try:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # Locked, or not allowed: not damaged.
                raise
            found = (str(error),)
        if found != ("ok",):
            words = " ".join(str(found[0]).split())
            raise InputError(place, f"the record is damaged ({words}); restore it from a copy")
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if tables and not tables & {"studies", "version_info"}:
        raise InputError(place, "is a database, but not the record of a campaign")


class Patience:
    """Waits for a server that is gone: a restart costs nothing but time."""

    def __init__(self, place: str) -> None:
        """Speak of the database as `place`."""
        self._place = place
        self._limit_s = float(os.environ.get("GENSYNTH_DATABASE_PATIENCE_S", PATIENCE_S))

    def until_done(self, work: Callable[[], T], arrived: Callable[[], bool] | None = None) -> T:
        """Do `work`, again and again while the server is gone.

        A transaction that was cut off may have been committed or not: before it is tried again,
        `arrived` says which; `work` must give None then.

        Raises:
            InputError: the server was gone for too long.
        """
        start, pause = time.monotonic(), FIRST_PAUSE_S
        tried = False
        while True:
            try:
                if tried and arrived is not None and arrived():
                    return None  # type: ignore[return-value]
                tried = True
                return work()
            except GONE as error:
                if time.monotonic() - start > self._limit_s:
                    problem = f"no answer for {self._limit_s:g} s ({cause(error)}); nothing that "
                    problem += "is recorded is lost, the same command goes on once it answers"
                    raise InputError(self._place, problem) from error
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)


def cause(error: BaseException) -> str:
    """Find the first words of what a database said; Optuna's own are about something else."""
    while isinstance(error, StorageInternalError) and error.__cause__ is not None:
        error = error.__cause__
    said = str(getattr(error, "orig", None) or error).strip()
    return said.splitlines()[0] if said else type(error).__name__


def unopened(place: str) -> AbstractContextManager[None]:
    """Turn whatever a library says of an unusable database into one line."""
    return _in_one_line(place, Exception, "the record cannot be opened ({})")


def unreadable(place: str) -> AbstractContextManager[None]:
    """The same of a database that can be opened, but not read."""
    return _in_one_line(place, Exception, "the record cannot be read ({}); restore it from a copy")


def unwritten(place: str) -> AbstractContextManager[None]:
    """The same of a database that cannot be written: its disk is full, or read-only."""
    problem = "an outcome cannot be written ({}); nothing that is recorded is lost: once this is "
    return _in_one_line(place, GONE, problem + "mended, the same command goes on")


@contextmanager
def _in_one_line(
    place: str, kinds: type[Exception] | tuple[type[Exception], ...], problem: str
) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except kinds as error:
        raise InputError(place, problem.format(cause(error))) from error
