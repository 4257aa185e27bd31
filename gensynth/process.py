"""The process that the program runs in: the cores it may use, and how it is asked to stop."""

import ctypes
import os
import signal
import sys
from _thread import interrupt_main
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer, current_thread, main_thread
from typing import Any

from gensynth.errors import InputError, shown


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


def return_freed_memory() -> None:
    """Return what this process has freed to the system, as far as its C library can.

    glibc keeps freed blocks for the thread that had them, so that every thread comes to hold as
    much as the largest piece of work that it ever did.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


STATE = "GENSYNTH_STATE"
"""Environment variable that names the user's state folder."""


def state_folder() -> Path:
    """Return the folder of what gensynth remembers for this user."""
    if STATE in os.environ:
        return Path(os.environ[STATE])
    usual = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(usual) / "gensynth"


CHECKPOINT_WAIT_S = 10.0
"""How long an epoch may continue after the first Ctrl-C; then its last checkpoint is final."""
NOTICE = (
    "\nStopping: saving checkpoints at the end of the current epoch (up to "
    f"{CHECKPOINT_WAIT_S:g} s). Press Ctrl-C again to quit immediately.\n"
)


def say(line: str) -> None:
    """Print a line on standard error; a terminal that has gone is no reason to fail."""
    with suppress(OSError):
        print(shown(line), file=sys.stderr, flush=True)


class Stopped(KeyboardInterrupt):
    """A signal has asked the program to stop; the shell expects an exit code that names it."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        """Keep the signal's number."""
        super().__init__("interrupted")
        self.signal = number


def exit_code(interrupt: BaseException) -> int:
    """Return 128 and the signal's number: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP."""
    for error in (interrupt, interrupt.__cause__):  # Click raises an error of its own from it.
        if isinstance(error, Stopped):
            return 128 + error.signal
    return 128 + signal.SIGINT


class Interruption:
    """Whether the user has asked the program to stop."""

    def __init__(self) -> None:
        """Start without a request."""
        self.asked = False
        self._signal: int = signal.SIGINT
        self._install: Callable[[], None] = lambda: None
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` upon a request; it runs inside a signal handler."""
        self._listeners.append(listener)

    def ask(self, number: int = signal.SIGINT) -> None:
        """Request a stop, as the signal `number` does."""
        self.asked, self._signal = True, number
        for listener in self._listeners:
            listener()

    def heed(self) -> None:
        """Raise `Stopped`, a `KeyboardInterrupt`, if a stop was requested."""
        if self.asked:
            raise Stopped(self._signal)

    def install_by(self, install: Callable[[], None]) -> None:
        """Let `install` say how signals reach this object."""
        self._install = install
        install()

    def install_again(self) -> None:
        """Take the signals back from a library that has set handlers of its own."""
        self._install()


@contextmanager
def patient() -> Iterator[Interruption]:
    """Treat the first SIGINT, SIGTERM or SIGHUP as a request to stop; the second one interrupts.

    The request also turns into an interrupt after `CHECKPOINT_WAIT_S` seconds. Outside the main
    thread, which alone receives signals, nothing changes.
    """
    interruption = Interruption()
    if current_thread() is not main_thread():
        yield interruption
        return
    alarm = _Alarm()

    def handle(number: int, frame: Any) -> None:
        interruption.heed()
        _notify()
        alarm.set(CHECKPOINT_WAIT_S)
        interruption.ask(number)

    before = {number: signal.getsignal(number) for number in _signals()}
    interruption.install_by(lambda: _handle(before, handle))
    try:
        yield interruption
    finally:
        alarm.cancel()
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """Make SIGTERM and SIGHUP raise `Stopped`, as Ctrl-C raises `KeyboardInterrupt`."""
    if current_thread() is not main_thread():
        yield
        return

    def handle(number: int, frame: Any) -> None:
        raise Stopped(number)

    numbers = [number for number in _signals() if number in (signal.SIGTERM, _HANGUP)]
    before = {number: signal.getsignal(number) for number in numbers}
    _handle(before, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


@contextmanager
def deaf_to_hangups() -> Iterator[None]:
    """Start processes that a closed terminal does not end: their driver asks them to save first."""
    if _HANGUP is None or current_thread() is not main_thread():
        yield
        return
    before = signal.signal(_HANGUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(_HANGUP, before if before is not None else signal.SIG_DFL)


_HANGUP: int | None = getattr(signal, "SIGHUP", None)


def _handle(before: Mapping[int, Any], handle: Callable[[int, Any], None]) -> None:
    """Install a handler for the signals of `before`."""
    for number in before:
        signal.signal(number, handle)


def _notify() -> None:
    """Say that the program stops; a terminal that has gone gets no more output."""
    try:
        os.write(2, NOTICE.encode())  # Unlike print, safe inside a signal handler.
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)


def _signals() -> list[int]:
    """Return the signals that ask for a stop here; `nohup` has them ignore a closed terminal."""
    numbers: list[int] = [signal.SIGINT, signal.SIGTERM]
    if _HANGUP is not None and signal.getsignal(_HANGUP) is not signal.SIG_IGN:
        numbers.append(_HANGUP)
    return [*numbers, *([signal.SIGALRM] if _has_timer() else [])]


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
