"""Which candidates end the process that runs them, counted on disk before anything of them runs.

A network that segfaults, is killed for memory, or calls `os._exit` takes an inline driver with it,
and so does a constraint. Without a count, every restart would begin the same candidate again. What
is under way is written to a small file that a process which ends in order empties; so what a driver
finds there when it starts has ended the last one.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gensynth.errors import InputError
from gensynth.evaluation.evaluator import EndsProcess
from gensynth.evaluation.outcome import Outcome
from gensynth.genome import Decisions, digest
from gensynth.serialization import dumps, from_plain, loads, read_file, write_whole

STARTS = "starts.json"
UNDER_WAY = "under-way.json"
MOST = 3
"""Starts of a candidate, without any progress between them, that may end their process."""
REASON = f"ended the program's process {MOST} times (it crashed, exited, or ran out of memory)"

TRAINING_REASON = f"its training {REASON}"


@dataclass(frozen=True)
class Start:
    """A start that ended its process, and how many there were from the same state."""

    key: str
    state: str = ""
    """What was there to start from; a later checkpoint shows that there was progress."""
    times: int = 1


class Starts:
    """Counts the starts of each candidate that ended their process; errors never touch it."""

    def __init__(self, folder: Path, lost: Iterable[Outcome] = ()) -> None:
        """Count for the campaign in `folder`, whose record holds the `lost` candidates."""
        self._file, self._under_way = folder / STARTS, folder / UNDER_WAY
        self._known = {start.key: start for start in _read(self._file)}
        self._refused = {key_of(o.decisions) for o in lost if o.detail == REASON}
        self._recorded = 0
        self._descriptor = -1
        self._written = ""
        for start in _read(self._under_way):
            before = self._known.get(start.key, Start("", times=0))
            times = before.times + 1 if before.state == start.state else 1
            self._known[start.key] = Start(start.key, start.state, times)
            write_whole(self._file, dumps(list(self._known.values())))
        self.rest()

    def recorded(self, rows: int) -> None:
        """State how many rows the record has: ends with progress in between are counted anew.

        So whoever kills the program now and then does not add up to a candidate that does.
        """
        self._recorded = rows

    def touch(self, decisions: Decisions) -> None:
        """State that code of these decisions' network, or a rule about it, runs from now on.

        Raises `EndsProcess` if it has ended its process too often.
        """
        key = key_of(decisions)
        if key in self._refused or self.is_lost(key):
            raise EndsProcess("", REASON)
        self._note(Start(key, f"{self._recorded} rows"))

    def is_lost(self, key: str) -> bool:
        """Whether `key` has ended its process too often."""
        return key in self._known and self._known[key].times >= MOST

    @contextmanager
    def attended(self) -> Iterator[None]:
        """State, after the block, that what ran before it runs on, or nothing."""
        before = self._written
        try:
            yield
        finally:
            self._write(before)

    @contextmanager
    def training(self, key: str, state: str) -> Iterator[None]:
        """State that the training `key` runs in this process, from a checkpoint as of `state`."""
        self._note(Start(key, state))
        try:
            yield
        finally:
            self.rest()

    def rest(self) -> None:
        """State that no code of a candidate runs."""
        if self._descriptor >= 0 or self._under_way.exists():
            self._write("")

    def close(self) -> None:
        """Close the file, and leave nothing in the folder."""
        self.rest()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._under_way.unlink(missing_ok=True)

    def _note(self, start: Start) -> None:
        self._write(dumps([start]))

    def _write(self, text: str) -> None:
        """Replace the file's content; the process may end at once, but not the machine."""
        if text == self._written and self._descriptor >= 0:
            return
        if self._descriptor < 0:
            self._descriptor = os.open(self._under_way, os.O_RDWR | os.O_CREAT, 0o600)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, text.encode())
        os.ftruncate(self._descriptor, len(text.encode()))
        self._written = text


def key_of(decisions: Decisions) -> str:
    """Return a name for decisions that tells them from all others."""
    return digest(dumps(decisions))


def _read(file: Path) -> list[Start]:
    """Read starts; none if the file is missing, or was cut off by a power failure."""
    try:
        return from_plain(list[Start], loads(read_file(file), str(file)), str(file))
    except (FileNotFoundError, InputError):
        return []
