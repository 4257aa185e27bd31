"""Database URLs of records, and which part of them may be shown and stored."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

POSTGRES = ("postgresql", "postgres")
_SECRET = re.compile(r"(ssl)?password=", re.IGNORECASE)
"""Parameters of a URL that libpq reads as passwords."""
DRIVER = "postgresql+psycopg"
"""SQLAlchemy's name for PostgreSQL through psycopg 3; its default is psycopg2."""


def sqlite_url(folder: Path) -> str:
    """Return the URL of a campaign folder's default record, `study.db`."""
    return f"sqlite:///{folder.resolve() / 'study.db'}"


def is_postgres(storage: str) -> bool:
    """Whether `storage` is the URL of a PostgreSQL database."""
    return storage.partition(":")[0].partition("+")[0] in POSTGRES


def for_sqlalchemy(storage: str) -> str:
    """Return the URL with the installed driver if it names none."""
    scheme, colon, rest = storage.partition(":")
    return f"{DRIVER}{colon}{rest}" if scheme in POSTGRES else storage


def without_password(storage: str) -> str:
    """Return the URL without its password, as it is shown and stored in `record.json`."""
    try:
        parts = urlsplit(storage)
        user, at, host = parts.netloc.rpartition("@")
    except ValueError:
        return storage.partition(":")[0] + ":"
    netloc = user.partition(":")[0] + at + host
    shown = [pair for pair in parts.query.split("&") if not _SECRET.match(unquote(pair))]
    if netloc == parts.netloc and "&".join(shown) == parts.query:
        return storage  # Unchanged: urlunsplit would remove slashes from sqlite:////.
    return urlunsplit(parts._replace(netloc=netloc, query="&".join(shown)))


def file_of(storage: str) -> Path | None:
    """Return the file of an SQLite record; None for a server's or one in memory."""
    path = storage.removeprefix("sqlite:///")
    return Path(path) if path and path != storage and path != ":memory:" else None
