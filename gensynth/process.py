"""The process that the program runs in: the cores it may use, and how it is asked to stop."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import Any

from gensynth.errors import InputError


def usable_cores() -> int:
    """Count them: a container or an affinity may allow fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_threads(threads: int) -> None:
    """Raise `InputError` where threads would wait for each other: there are fewer cores."""
    if threads > usable_cores():
        cores = usable_cores()
        problem = f"expected at most {cores}, the cores that may be used here, got {threads}"
        raise InputError("threads", problem)


@contextmanager
def on_one_core() -> Iterator[None]:
    """Keep this process's numerical libraries to one thread: the other cores are for workers.

    On cores that are busy already, threads that wait for each other make a proposal five times
    as long, and take from the trainings what they wait.
    """
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


CHECKPOINT_WAIT_S = 10.0
"""How long an epoch may go on after the first Ctrl-C; then its last checkpoint has to do."""
NOTICE = (
    "\nending: running trainings are saved at the end of their epoch, within "
    f"{CHECKPOINT_WAIT_S:g} s; Ctrl-C again ends at once\n"
)


class Interruption:
    """Whether the user has asked for an end."""

    def __init__(self) -> None:
        """Begin without one."""
        self.asked = False
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when the end is asked for, inside a signal handler."""
        self._listeners.append(listener)

    def ask(self) -> None:
        """Ask for the end."""
        self.asked = True
        for listener in self._listeners:
            listener()

    def heed(self) -> None:
        """Raise `KeyboardInterrupt` where the end was asked for."""
        if self.asked:
            raise KeyboardInterrupt


@contextmanager
def patient() -> Iterator[Interruption]:
    """Take the first SIGINT or SIGTERM as a question, and only the second one literally."""
    interruption = Interruption()
    if current_thread() is not main_thread():
        yield interruption
        return

    def handle(number: int, frame: Any) -> None:
        if interruption.asked:
            raise KeyboardInterrupt
        os.write(2, NOTICE.encode())  # Safe inside a handler; print is not.
        signal.setitimer(signal.ITIMER_REAL, CHECKPOINT_WAIT_S)
        interruption.ask()

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    before = [signal.signal(number, handle) for number in signals]
    try:
        yield interruption
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
