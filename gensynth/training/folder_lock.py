"""Claims a folder for one long training, so that no other training overwrites its checkpoints."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from gensynth.errors import InputError
from gensynth.serialization import dumps, from_plain, loads, write_whole

CLAIM, LOCK = "begun.json", "training.lock"


@dataclass(frozen=True)
class Claim:
    """The training that a folder belongs to; written before the training starts."""

    model: str
    identity: str


@contextmanager
def claimed(folder: Path, claim: Claim) -> Iterator[None]:
    """Hold `folder` for one training; no other process may train there in the meantime.

    Raises:
        InputError: another process is training there, or the folder belongs to another training.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / LOCK, timeout=0):
            _require_own(folder, claim)
            yield
    except Timeout:
        problem = "another process is training here; wait for it, or use another folder"
        raise InputError(str(folder), problem) from None


def taken(folder: Path | str, model: str) -> InputError:
    """Return the error for a folder that belongs to another training, of `model`."""
    problem = (
        f"holds another training, of {model} with other options or data; use another --out folder"
    )
    return InputError(str(folder), problem)


def _require_own(folder: Path, claim: Claim) -> None:
    path = folder / CLAIM
    earlier = _read(path)
    if earlier is None:
        write_whole(path, dumps(claim))
    elif earlier.identity != claim.identity:
        raise taken(folder, earlier.model)


def _read(path: Path) -> Claim | None:
    """Read the claim; None if there is none, or a power failure left it unreadable."""
    try:
        text = path.read_text(encoding="utf-8")
        return from_plain(Claim, loads(text, str(path)), f"{path}: ")
    except (FileNotFoundError, UnicodeDecodeError, InputError):
        return None
