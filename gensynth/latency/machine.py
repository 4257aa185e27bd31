"""Trainings share a machine; a latency measurement has it to itself.

Two lock files of the user arrange that; they lie in the folder of temporary files, or in the one
that `$GENSYNTH_LOCKS` names. A training holds a shared lock on `work` while it computes. A
measurement locks `turn`, which shows trainings that it is waiting, and then `work`, which it gets
once every training has finished its batch and given way. It holds both until it is done, and the
trainings go on. The kernel releases the locks of a process that dies.

No scheduler is needed: trainings in this process, in Ray's workers and of other campaigns follow
the same protocol. Other programs are not held up; their effect shows in the measured interval. The
seconds that a training waits count as its own. A process must not take a share while it has one,
or a waiting measurement would wait forever.

The protocol needs the shared file locks of POSIX. On Windows nothing waits, and `ALONE` is false.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gensynth.errors import InputError

LOCKS = "GENSYNTH_LOCKS"
"""Environment variable that names the folder of the lock files; programs with different folders do
not wait for each other."""

try:
    import fcntl
except ImportError:  # Windows has no such locks.
    fcntl = None  # type: ignore[assignment]

ALONE = fcntl is not None
"""Whether trainings on this machine wait while a latency is measured."""
PATIENCE_S = 600.0
"""How long a measurement waits for trainings to give way."""
LOOK_S = 0.02
"""Pause between two attempts to lock."""


@contextmanager
def sharing() -> Iterator[Callable[[], None]]:
    """Share the machine; call the yielded function between batches to let measurements pass."""
    if fcntl is None:
        yield lambda: None
        return
    with _opened("turn") as turn, _opened("work") as work:

        def take() -> None:
            fcntl.flock(turn, fcntl.LOCK_SH)  # Blocks while a measurement waits or runs.
            fcntl.flock(work, fcntl.LOCK_SH)
            fcntl.flock(turn, fcntl.LOCK_UN)

        def give_way() -> None:
            if _lock(turn, fcntl.LOCK_SH):
                fcntl.flock(turn, fcntl.LOCK_UN)
                return
            fcntl.flock(work, fcntl.LOCK_UN)
            take()

        take()
        yield give_way


@contextmanager
def alone() -> Iterator[None]:
    """Have the machine without trainings; `InputError` if they do not give way in time."""
    if fcntl is None:
        yield
        return
    with _opened("turn") as turn, _opened("work") as work:
        deadline = time.monotonic() + PATIENCE_S
        for file in (turn, work):
            while not _lock(file, fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    problem = f"a training on this machine has not paused within {PATIENCE_S:g} s"
                    raise InputError("latency", problem)
                time.sleep(LOOK_S)
        yield


def _lock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def _opened(name: str) -> Iterator[int]:
    """Open a lock file of this user; closing it releases the lock."""
    folder = os.environ.get(LOCKS) or tempfile.gettempdir()
    path = Path(folder) / f"gensynth.{_user()}.{name}"
    safely = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | safely, 0o600)
    except OSError as error:
        raise InputError(str(path), f"cannot be opened ({error.strerror})") from None
    try:
        yield file
    finally:
        os.close(file)


def _user() -> str:
    """Return what distinguishes this user's lock files from those of others."""
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
