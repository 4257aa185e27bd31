"""What a Mac or a Windows laptop lacks, hidden from our own code; run in a process of its own.

Only our packages are kept from it: what others import, they choose by the name of the system, and
that stays.

    python -X warn_default_encoding -m tests.support.laptop Windows FOLDER
"""

import builtins
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

OURS = ("gensynth", "search_spaces", "constraints", "devices")
MISSING: Mapping[str, Mapping[str, Sequence[str]]] = {
    "Darwin": {"os": ("sched_getaffinity", "sched_setaffinity")},
    "Windows": {
        "fcntl": (),
        "grp": (),
        "posix": (),
        "pty": (),
        "pwd": (),
        "resource": (),
        "termios": (),
        "tty": (),
        "os": (
            *("chown", "fchmod", "fork", "forkpty", "getegid", "geteuid", "getgid", "getgroups"),
            *("getloadavg", "getpgid", "getpgrp", "getsid", "getuid", "killpg", "mkfifo", "nice"),
            *("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_SYNC", "pread", "pwrite"),
            *("sched_getaffinity", "sched_setaffinity", "setpgid", "setsid", "statvfs", "sysconf"),
            *("uname", "wait", "wait4", "WEXITSTATUS", "WNOHANG"),
        ),
        "signal": (
            *("alarm", "getitimer", "ITIMER_REAL", "pause", "pthread_kill", "pthread_sigmask"),
            *("setitimer", "SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGQUIT", "SIGSTOP"),
            *("siginterrupt", "SIGUSR1", "SIGUSR2", "sigwait"),
        ),
        "time": ("pthread_getcpuclockid", "tzset"),
    },
}
"""Modules without names are missing as a whole."""
EXPERIMENT = """
generator = "gensynth"
executor = "inline"
trials = 2
space = "tests.support.toy_space:ToySpace"
[proxy]
epochs = 1
[finals]
candidates = 1
most = 1
replicas = 1
epochs_factor = 1.0
[last_training]
epochs_factor = 1.0
[constraints.max_params]
limit = 5000
"""
NETWORK = ("attendnext:tiny", "--image-size", "32", "--classes", "10")


class Partial(ModuleType):
    """A module as our code sees it: without some of its names."""

    def __init__(self, whole: ModuleType, missing: Sequence[str]) -> None:
        super().__init__(whole.__name__)
        self._whole, self._missing = whole, frozenset(missing)

    def __getattr__(self, name: str) -> Any:
        if name in self._missing:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} here")
        return getattr(self._whole, name)


def hide(system: str) -> None:
    """Keep from our packages, from now on, what `system` does not have."""
    missing, real = MISSING[system], builtins.__import__

    def importing(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        asking = str((globals or {}).get("__name__", "")).partition(".")[0]
        if asking not in OURS or name not in missing:
            return real(name, globals, locals, fromlist or (), level)
        if not missing[name]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return Partial(real(name, globals, locals, fromlist or (), level), missing[name])

    builtins.__import__ = importing


def session(folder: Path) -> None:
    """Check and score networks, search one, and export it, by the commands that a person types."""
    from gensynth.cli import main

    (folder / "toy.toml").write_text(EXPERIMENT, encoding="utf-8")
    run, exported = str(folder / "run"), str(folder / "exported")
    for words in (
        ("check", *NETWORK, "--json"),
        ("score", *NETWORK, "--json"),
        ("search", str(folder / "toy.toml"), "--out", run),
        ("show", run),
        ("export", run, "--to", exported),
        ("compare", *NETWORK, "--runtime", "torch", "--rounds", "1"),
    ):
        code = 0
        try:
            main(list(words))
        except SystemExit as ended:
            code = int(ended.code or 0)
        if code not in ((0, 1) if words[0] == "check" else (0,)):
            sys.exit(f"{' '.join(words)}: exit code {code}")


if __name__ == "__main__":
    # Without an encoding, text is UTF-8 on a Mac and some code page on Windows.
    ours = rf"({'|'.join(OURS)})(\.|$)"
    warnings.filterwarnings("error", category=EncodingWarning, module=ours)
    hide(sys.argv[1])
    session(Path(sys.argv[2]))
