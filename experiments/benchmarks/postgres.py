"""A private PostgreSQL server: a cluster in a new folder, on loopback, that can be restarted.

Needs PostgreSQL's server programs (Debian: `apt-get install postgresql`) on the `PATH`, in
`/usr/lib/postgresql` or in the folder that `GENSYNTH_POSTGRESQL` names. PostgreSQL refuses to run
as root; then it runs as the user `postgres`, which that package creates.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

USER = "postgres"


@dataclass(frozen=True)
class Server:
    """A running server: its programs, its cluster's folder, its port on 127.0.0.1."""

    programs: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        """The database URL for `--storage`."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-h 127.0.0.1 -p {self.port} -k {self.folder} -F"
        log = str(self.folder / "log")
        self._control("start", "-w", "-l", log, "-o", options)

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server, in order or as in a crash."""
        self._control("stop", "-m", mode)

    def _control(self, *words: str) -> None:
        command = [str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), *words]
        _run(command, self.folder)


@contextmanager
def postgres() -> Iterator[Server]:
    """Create a cluster and run its server until the block ends, then remove both."""
    folder = Path(tempfile.mkdtemp(prefix="gensynth-pg-", dir="/tmp"))
    server = Server(programs(), folder, _free_port())
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, USER, USER)
        initdb = [str(server.programs / "initdb"), "-D", str(folder / "data"), "-U", USER]
        _run([*initdb, "-A", "trust", "-N", "--locale=C.UTF-8", "-E", "UTF8"], folder)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def programs() -> Path:
    """Return the folder of the server's programs, which Debian keeps off the PATH."""
    folder = Path(os.environ.get("GENSYNTH_POSTGRESQL", "/usr/lib/postgresql"))
    found = sorted(folder.glob("*/bin/pg_ctl"))
    on_path = shutil.which("pg_ctl")
    if not found and on_path is None:
        raise FileNotFoundError("no PostgreSQL server here: apt-get install postgresql")
    return found[-1].parent if found else Path(on_path or "").parent


def _run(command: list[str], folder: Path) -> None:
    """Run one of PostgreSQL's programs, as a user who is not root."""
    if os.geteuid() == 0:
        command = ["runuser", "-u", USER, "--", *command]
    # Its output goes to a file: the server would keep a pipe open.
    with (folder / "out").open("wb") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, cwd="/")
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {(folder / 'out').read_text(errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
