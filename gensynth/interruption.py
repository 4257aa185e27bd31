"""Ctrl-C: once, running trainings reach a checkpoint within seconds; twice, at once.

Either way nothing is lost: what has ended is recorded, and what runs is resumed by the next start.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import Any

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
