"""A disk that is full or read-only, as one line with the file and the remedy."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gensynth.errors import InputError

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG)
_IN_THE_WAY = (errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
"""Something else is where a file or a folder is to be written."""
_FAILED = (errno.EIO, errno.ESTALE, errno.ENXIO, errno.ENODEV, errno.ENOLCK, errno.ETIMEDOUT)
"""The disk or its server does not answer."""
_TOO_MANY = (errno.EMFILE, errno.ENFILE)
_KNOWN = (*_UNWRITABLE, *_IN_THE_WAY, *_FAILED, *_TOO_MANY)
_REMEDY = "nothing recorded is lost; fix this and run the same command again"


@contextmanager
def writable(place: str) -> Iterator[None]:
    """Turn an error of a full, read-only or failing disk into an `InputError` that names a file."""
    try:
        yield
    except OSError as error:
        if error.errno not in _KNOWN:
            raise
        more = "raise their limit (ulimit -n); " if error.errno in _TOO_MANY else ""
        problem = f"{error.strerror}; {more}{_cache(error.filename)}{_REMEDY}"
        raise InputError(str(error.filename or place), problem) from error


def _cache(name: object) -> str:
    """Say how to move the cache if a file of it is in question."""
    from gensynth.data.open import default_cache

    cache, place = default_cache(), Path(str(name or ""))
    if not place.is_absolute() or not (cache.is_relative_to(place) or place.is_relative_to(cache)):
        return ""
    return "set GENSYNTH_CACHE to a folder that can be written; "
