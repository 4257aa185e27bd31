"""Where a record is kept: database URLs, and what of them may be shown and stored."""

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

POSTGRES = ("postgresql", "postgres")
DRIVER = "postgresql+psycopg"
"""SQLAlchemy's name for PostgreSQL through psycopg 3; by itself it would look for psycopg2."""


def sqlite_url(folder: Path) -> str:
    """Name the default record of a campaign folder."""
    return f"sqlite:///{folder.resolve() / 'study.db'}"


def is_postgres(storage: str) -> bool:
    """Say whether `storage` is a PostgreSQL database."""
    return storage.partition(":")[0].partition("+")[0] in POSTGRES


def for_sqlalchemy(storage: str) -> str:
    """Name the installed driver, where the URL names none."""
    scheme, colon, rest = storage.partition(":")
    return f"{DRIVER}{colon}{rest}" if scheme in POSTGRES else storage


def without_password(storage: str) -> str:
    """Leave the password out: this is what is shown, and what `record.json` holds."""
    try:
        parts = urlsplit(storage)
        user, at, host = parts.netloc.rpartition("@")
    except ValueError:
        return storage.partition(":")[0] + ":"
    if not at:
        return storage
    return urlunsplit(parts._replace(netloc=user.partition(":")[0] + at + host))


def file_of(storage: str) -> Path | None:
    """Give the file of an SQLite record; None for a server's, or one in memory."""
    path = storage.removeprefix("sqlite:///")
    return Path(path) if path and path != storage and path != ":memory:" else None
