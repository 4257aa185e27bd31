"""The folder of a long training: one training at a time, and never another's work lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from gensynth.errors import InputError
from gensynth.serialization import dumps, from_plain, loads, write_whole

BEGUN, LOCK = "begun.json", "training.lock"


@dataclass(frozen=True)
class Begun:
    """The training that a folder is for, written before it starts."""

    model: str
    identity: str


@contextmanager
def alone(folder: Path, begun: Begun) -> Iterator[None]:
    """Hold `folder` for one training, from its first start on; no other process may train there.

    Raises:
        InputError: another process trains there, or another training has begun there, whose
            checkpoints would be written over.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / LOCK, timeout=0):
            _require_own(folder, begun)
            yield
    except Timeout:
        problem = "another process trains here: wait for it, or use another folder"
        raise InputError(str(folder), problem) from None


def another(folder: Path | str, model: str) -> InputError:
    """Say that a folder holds another training."""
    problem = (
        f"holds another training, of {model} with other options or data; use another --out folder"
    )
    return InputError(str(folder), problem)


def _require_own(folder: Path, begun: Begun) -> None:
    path = folder / BEGUN
    earlier = _read(path)
    if earlier is None:
        write_whole(path, dumps(begun))
    elif earlier.identity != begun.identity:
        raise another(folder, earlier.model)


def _read(path: Path) -> Begun | None:
    """Read what has begun; None where nothing has, or nobody can tell (power was lost)."""
    try:
        text = path.read_text(encoding="utf-8")
        return from_plain(Begun, loads(text, str(path)), f"{path}: ")
    except (FileNotFoundError, UnicodeDecodeError, InputError):
        return None
