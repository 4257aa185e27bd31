"""The process that the program runs in: the cores it may use, and how it is asked to stop."""

import os
import signal
from _thread import interrupt_main
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Timer, current_thread, main_thread
from typing import Any

from gensynth.errors import InputError


def usable_cores() -> int:
    """Return how many cores this process may use; an affinity mask may allow fewer than exist."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_threads(threads: int) -> None:
    """Raise `InputError` if there are more `threads` than cores: they would wait for each other."""
    cores = usable_cores()
    if threads > cores:
        problem = f"expected at most {cores}, the cores that may be used here, got {threads}"
        raise InputError("threads", problem)


@contextmanager
def on_one_core() -> Iterator[None]:
    """Limit this process's numerical libraries to one thread, since workers use the other cores.

    With several threads on busy cores, a proposal took five times as long, and the waiting threads
    slowed down the trainings.
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
"""How long an epoch may continue after the first Ctrl-C; then its last checkpoint is final."""
NOTICE = (
    "\nStopping: saving checkpoints at the end of the current epoch (up to "
    f"{CHECKPOINT_WAIT_S:g} s). Press Ctrl-C again to quit immediately.\n"
)


def say(line: str) -> None:
    """Print a line on standard error; a terminal that has gone is no reason to fail."""
    with suppress(OSError):
        os.write(2, f"{line}\n".encode(errors="backslashreplace"))


class Interruption:
    """Whether the user has asked the program to stop."""

    def __init__(self) -> None:
        """Start without a request."""
        self.asked = False
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` upon a request; it runs inside a signal handler."""
        self._listeners.append(listener)

    def ask(self) -> None:
        """Request a stop."""
        self.asked = True
        for listener in self._listeners:
            listener()

    def heed(self) -> None:
        """Raise `KeyboardInterrupt` if a stop was requested."""
        if self.asked:
            raise KeyboardInterrupt


@contextmanager
def patient() -> Iterator[Interruption]:
    """Treat the first SIGINT or SIGTERM as a request to stop; the second one interrupts.

    The request also turns into an interrupt after `CHECKPOINT_WAIT_S` seconds. Outside the main
    thread, which alone receives signals, nothing changes.
    """
    interruption = Interruption()
    if current_thread() is not main_thread():
        yield interruption
        return
    alarm = _Alarm()

    def handle(number: int, frame: Any) -> None:
        if interruption.asked:
            raise KeyboardInterrupt
        os.write(2, NOTICE.encode())  # Unlike print, safe inside a signal handler.
        alarm.set(CHECKPOINT_WAIT_S)
        interruption.ask()

    before = {number: signal.signal(number, handle) for number in _signals()}
    try:
        yield interruption
    finally:
        alarm.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def _signals() -> list[int]:
    """Return the signals that ask for a stop here; Windows has no SIGALRM."""
    return [signal.SIGINT, signal.SIGTERM, *([signal.SIGALRM] if _has_timer() else [])]


def _has_timer() -> bool:
    return hasattr(signal, "setitimer") and hasattr(signal, "SIGALRM")


class _Alarm:
    """Sends this process a signal after some seconds.

    POSIX has a timer for it, which also interrupts a blocking system call. Elsewhere a thread
    simulates Ctrl-C, which takes effect when the main thread next runs Python code.
    """

    def __init__(self) -> None:
        self._timer: Timer | None = None

    def set(self, seconds: float) -> None:
        if _has_timer():
            signal.setitimer(signal.ITIMER_REAL, seconds)
            return
        self._timer = Timer(seconds, interrupt_main)
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        elif _has_timer():
            signal.setitimer(signal.ITIMER_REAL, 0)
