"""Databases that are slow, unreachable for a while, damaged, or in use by another driver."""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypeVar

from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy.event import listen
from sqlalchemy.exc import SQLAlchemyError

from gensynth.errors import InputError, install
from gensynth.genome import digest
from gensynth.process import say
from gensynth.record.address import for_sqlalchemy, is_postgres, without_password

try:
    import fcntl
except ImportError:  # Windows has no such locks.
    fcntl = None  # type: ignore[assignment]

T = TypeVar("T")
PATIENCE = "GENSYNTH_DATABASE_PATIENCE_S"
UNREACHABLE_S = 300.0
"""How long a database may give no answer during a campaign, unless the environment variable
`GENSYNTH_DATABASE_PATIENCE_S` says otherwise."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
BUSY_S, BUSY_READER_S = 2.0, 30.0
"""How long SQLite itself waits for another writer; a driver then says so and goes on waiting."""
DYING_S = 5.0
"""How long the lock of a driver that has just died may still be held."""
GONE = (StorageInternalError, SQLAlchemyError)
"""What Optuna and SQLAlchemy raise if a database does not answer."""
KEEPALIVE = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
"""With these options the server notices within a minute that a driver's machine has gone."""


def open_storage(storage: str, driven: str | None) -> RDBStorage:
    """Connect to a database. `driven` is the name of the study to drive; None only reads.

    A driver uses a single connection to PostgreSQL. It takes an advisory lock whenever it is made,
    so the right to write begins and ends with the connection that writes.

    Raises `InputError` if the driver for PostgreSQL is not installed.
    """
    if not is_postgres(storage):
        waits = {"timeout": BUSY_S if driven is not None else BUSY_READER_S}
        return RDBStorage(storage, engine_kwargs={"connect_args": waits})
    place = without_password(storage)
    settings = {"connect_args": {"options": KEEPALIVE, "connect_timeout": 10}}
    try:
        base = RDBStorage(for_sqlalchemy(storage), engine_kwargs=settings)
    except ImportError as error:
        problem = f"PostgreSQL needs psycopg: {install('postgres')}"
        raise InputError(place, problem) from error
    if driven is not None:
        key = int(digest(driven), 16) % 2**63
        base.remove_session()
        base.engine.dispose()  # Optuna opened several connections; one is made now.
        listen(base.engine, "connect", lambda connection, _: _take_lock(connection, key, place))
    return base


def _take_lock(connection: Any, key: int, place: str) -> None:
    """Become the driver on a fresh connection; raise `InputError` if there is another one."""
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
    """Raise `InputError` if an SQLite file is damaged or holds something else.

    Nothing is changed, except that SQLite rolls back what a killed driver had begun to write.
    """
    require_locks(file, place)
    if not file.exists() or file.stat().st_size == 0:
        return
    with closing(sqlite3.connect(file, timeout=30)) as connection:
        try:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # Locked or forbidden, not damaged.
                raise
            found = (str(error),)
        if found != ("ok",):
            words = " ".join(str(found[0]).split())
            raise InputError(place, f"the record is damaged ({words}); restore it from a copy")
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if tables and not tables & {"studies", "version_info"}:
        raise InputError(place, "is a database, but not the record of a campaign")


def require_locks(file: Path, place: str) -> None:
    """Raise `InputError` if SQLite could not lock `file`: it would wait, or fail in other words.

    A folder in which nothing can be written tells nothing, and neither does Windows.
    """
    if fcntl is None:
        return

    with suppress(OSError), TemporaryFile(dir=file.parent) as draft:
        try:
            fcntl.lockf(draft, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            problem = (
                f"the file system has no locks ({error.strerror}), which SQLite needs; keep the "
                "campaign on a local disk, or its record in PostgreSQL (--storage)"
            )
            raise InputError(place, problem) from None


class Patience:
    """Repeats work while a server is unreachable, or while another program holds an SQLite file.

    So a restart of the server, or a backup of the file, costs only time.
    """

    def __init__(self, place: str) -> None:
        """Name the database `place` in errors."""
        self._place = place
        self._limit_s = _patience_s()

    def until_done(self, work: Callable[[], T], arrived: Callable[[], bool] | None = None) -> T:
        """Return what `work` returns; repeat it while the database does not answer.

        The first time, a line on standard error says what is waited for.

        A transaction that was cut off may have been committed. Before it is repeated, `arrived`
        returns whether it was; such `work` must return None.

        Raises:
            InputError: the database gave no answer for too long.
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
                if not self._may_pass(error):
                    raise
                if pause == FIRST_PAUSE_S:
                    say(f"{self._place}: {cause(error)}; waiting up to {self._limit_s:g} s")
                if time.monotonic() - start > self._limit_s:
                    problem = (
                        f"no answer for {self._limit_s:g} s ({cause(error)}); everything recorded "
                        "so far is safe: run the same command again once the database answers"
                    )
                    raise InputError(self._place, problem) from error
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _may_pass(self, error: BaseException) -> bool:
        """Whether the error may pass by itself: of a file, only that somebody else holds it."""
        return is_postgres(self._place) or "database is locked" in cause(error)


def _patience_s() -> float:
    text = os.environ.get(PATIENCE, str(UNREACHABLE_S))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise InputError(PATIENCE, f"must be a number of seconds, 0 or more, got {text[:40]!r}")
    return seconds


def cause(error: BaseException) -> str:
    """Return the first line of a database's own message; Optuna's is about something else."""
    while isinstance(error, StorageInternalError) and error.__cause__ is not None:
        error = error.__cause__
    said = str(getattr(error, "orig", None) or error).strip()
    return said.splitlines()[0] if said else type(error).__name__
