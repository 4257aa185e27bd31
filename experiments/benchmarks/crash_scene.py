"""A campaign in its own process, which is watched from outside and killed at chosen moments."""

import json
import os
import random
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from gensynth.process import exit_code, signals_interrupt

Target = Literal["driver", "worker", "group"]
Moment = Literal["start", "training", "write", "export"]
MARK = "GENSYNTH_CRASH"
"""Variable by which the processes that a driver started are known, whoever adopted them."""
WORKER = b"ray::Worker"
"""How Ray titles a process that trains; others that begin with ray:: serve the node."""
TOKEN = uuid.uuid4().hex
LIMIT_S = 600.0
"""A run that takes longer hangs."""


@dataclass
class Scene:
    """One run of the driver, from its start to its end or its death."""

    folder: Path
    pid: int
    since: int
    """Size of the log when it started."""
    began: float = field(default_factory=time.monotonic)
    began_at: float = field(default_factory=time.time)
    status: int | None = None

    def alive(self) -> bool:
        """Whether the driver is still running; raises `TimeoutError` if it runs too long."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
        if self.status is None and time.monotonic() - self.began > LIMIT_S:
            kill_all(self.pid)
            raise TimeoutError(f"the driver did not end within {LIMIT_S} s")
        return self.status is None

    def events(self) -> list[dict[str, Any]]:
        """Return the events that this run has logged so far."""
        return events(self.folder, self.since)

    def started(self, purpose: str = "") -> int:
        """Return how many trainings this run has handed out."""
        rows = [e for e in self.events() if e["event"] == "started"]
        return sum(not purpose or e["purpose"] == purpose for e in rows)

    def start_s(self) -> float | None:
        """Return the seconds until the first training was handed out."""
        rows = [e for e in self.events() if e["event"] == "started"]
        first = datetime.fromisoformat(rows[0]["time"]).timestamp() if rows else None
        return None if first is None else first - self.began_at

    def drafts(self) -> bool:
        """Whether a file is being written: a record, a job, a checkpoint or an export."""
        for folder in (self.folder, *_folders(self.folder / "candidates")):
            with suppress(OSError):
                names = os.listdir(folder)
                if any(n.endswith(("-journal", ".part", ".partial")) for n in names):
                    return True
        return self.exporting()

    def exporting(self) -> bool:
        """Whether the final network is being written."""
        with suppress(OSError):
            return any(name.startswith(".best.") for name in os.listdir(self.folder))
        return False

    def until(self, holds: Callable[[], bool]) -> bool:
        """Poll until `holds` is true; return False if the driver ends first."""
        while not holds():
            if not self.alive():
                return False
            time.sleep(0.0005)
        return True

    def reach(self, moment: Moment, rng: random.Random, start_s: float) -> bool:
        """Wait for a moment to kill at; return False if the driver ends first."""
        if moment == "start":
            return self._wait(rng.uniform(0, 1.2 * start_s))
        if moment == "export":
            by_file = rng.random() < 0.5
            ready = self.exporting if by_file else lambda: self.started("export") > 0
            return self.until(ready) and self._wait(rng.uniform(0, 0.02 if by_file else 1.0))
        wanted = self.started() + rng.randint(1, 3)
        if not self.until(lambda: self.started() >= wanted):
            return False
        if not self._wait(rng.uniform(0, 1.0)):
            return False
        return moment == "training" or (
            self.until(self.drafts) and self._wait(rng.choice((0, 0.001, 0.003)))
        )

    def _wait(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.alive():
                return False
            time.sleep(min(0.001, max(0.0, end - time.monotonic())))
        return self.alive()

    def kill(self, target: Target, number: int = signal.SIGKILL) -> bool:
        """Send a signal; return False if there is no such process. A driver is waited for."""
        if target == "worker":
            titles = {pid: _title(pid) for pid in marked()}
            busy = [pid for pid, title in titles.items() if title.startswith(WORKER)]
            if not busy:
                return False
            os.kill(random.choice(busy), signal.SIGKILL)
            return True
        if target == "group":
            kill_all(self.pid)
        else:
            os.kill(self.pid, number)
        if number != signal.SIGKILL:
            self.until(lambda: False)
            return True
        _, status = os.waitpid(self.pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        return True


def begin(drive: Callable[[], None], folder: Path) -> Scene:
    """Start `drive` in a forked process, which starts fast because its imports are done already."""
    log = folder / "log.jsonl"
    size = log.stat().st_size if log.exists() else 0
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return Scene(folder, pid, size)
    code = 1
    try:
        os.setsid()
        os.environ[MARK] = TOKEN
        out = os.open(folder.with_suffix(".out"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        with signals_interrupt():
            drive()
            code = 0
            sys.stderr.flush()
            os._exit(code)  # A signal between the handlers' removal and the end would end it so.
    except KeyboardInterrupt as interrupt:
        code = exit_code(interrupt)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def events(folder: Path, since: int = 0) -> list[dict[str, Any]]:
    """Read the log; a last line that is still being written is left out."""
    with suppress(FileNotFoundError), (folder / "log.jsonl").open("rb") as file:
        file.seek(since)
        return [json.loads(line) for line in file.read().split(b"\n")[:-1] if line]
    return []


def marked() -> list[int]:
    """Find the processes that a driver of ours has started, directly or not."""
    wanted = f"{MARK}={TOKEN}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def kill_all(driver: int) -> None:
    """Kill the driver, its process group, and all that it has started."""
    with suppress(OSError):
        os.killpg(driver, signal.SIGKILL)
    for pid in marked():
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _folders(parent: Path) -> Iterator[Path]:
    with suppress(OSError), os.scandir(parent) as entries:
        yield from [Path(entry.path) for entry in entries]


def _title(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
