"""Where a record is kept: database URLs, and what of them may be shown and stored."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

POSTGRES = ("postgresql", "postgres")
_SECRET = re.compile(r"(ssl)?password=", re.IGNORECASE)
"""What of a URL's query libpq takes as a password."""
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
    netloc = user.partition(":")[0] + at + host
    shown = [pair for pair in parts.query.split("&") if not _SECRET.match(unquote(pair))]
    if netloc == parts.netloc and "&".join(shown) == parts.query:
        return storage  # As it was written: urlunsplit would take slashes out of sqlite:////.
    return urlunsplit(parts._replace(netloc=netloc, query="&".join(shown)))


def file_of(storage: str) -> Path | None:
    """Give the file of an SQLite record; None for a server's, or one in memory."""
    path = storage.removeprefix("sqlite:///")
    return Path(path) if path and path != storage and path != ":memory:" else None
