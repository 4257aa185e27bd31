"""The machine's quiet: trainings share a machine, a latency measurement has it alone.

Two lock files of the user, in the folder of temporary files, stand for that. A training shares
`work` for as long as it computes; a measurement locks `turn`, by which trainings see that one
waits, and then `work`, which it gets once every training has come to the end of its batch and
given way. It holds both until it is done, and the trainings go on. The kernel releases the locks
of a process that dies.

So it needs no scheduler: trainings in this process, in Ray's workers and of other campaigns keep
to it alike, and a measurement is never made beside one. Other programs are not held up; what they
do to a measurement shows in its interval. The seconds a training waits count as its own. A process
must not take a share while it has one, or a measurement that waits would wait for ever.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gensynth.errors import InputError

try:
    import fcntl
except ImportError:  # Not on Windows; measurements there are not alone.
    fcntl = None  # type: ignore[assignment]

PATIENCE_S = 600.0
"""How long a measurement waits for trainings to give way."""
LOOK_S = 0.02


@contextmanager
def sharing() -> Iterator[Callable[[], None]]:
    """Compute beside others; call what this gives between batches, to let a measurement pass."""
    if fcntl is None:
        yield lambda: None
        return
    with _opened("turn") as turn, _opened("work") as work:

        def take() -> None:
            fcntl.flock(turn, fcntl.LOCK_SH)  # Waits while a measurement waits or goes on.
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
    """Have the machine without trainings; `InputError` where they do not give way in time."""
    if fcntl is None:
        yield
        return
    with _opened("turn") as turn, _opened("work") as work:
        deadline = time.monotonic() + PATIENCE_S
        for file in (turn, work):
            while not _lock(file, fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    problem = f"a training here has not given way for {PATIENCE_S:g} s"
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
    path = Path(tempfile.gettempdir()) / f"gensynth.{os.getuid()}.{name}"
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(str(path), f"cannot be opened ({error.strerror})") from None
    try:
        yield file
    finally:
        os.close(file)
