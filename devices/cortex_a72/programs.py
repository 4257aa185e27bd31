"""Runs other programs and turns their failures into an `InputError`."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from gensynth.errors import InputError

PATIENCE_S = 900.0


def run_program(command: Sequence[str], folder: Path, check: bool = True) -> str:
    """Run a program in `folder` and return its output.

    Raises `InputError` if it cannot be run, and with its last message if it fails and `check`.
    """
    place = Path(command[0]).name
    done = completed(command, place, PATIENCE_S, folder)
    if check and done.returncode != 0:
        raise InputError(place, _error_line(done.stderr or done.stdout))
    return done.stdout


def completed(
    command: Sequence[str], place: str, patience_s: float, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whether it succeeds or not.

    Raises `InputError`, about `place`, if it cannot be run or takes longer than `patience_s`.
    """
    try:
        return subprocess.run(
            command,
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=patience_s,
        )
    except subprocess.TimeoutExpired:
        problem = f"did not end within {patience_s:g} s"
        raise InputError(place, problem) from None
    except OSError as error:
        problem = f"{Path(command[0]).name} cannot be run ({error.strerror})"
        raise InputError(place, problem) from None


def _error_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = [line for line in lines if re.match(r"(E:|ERROR|error)", line)] or lines[-1:]
    return found[0][:300] if found else "failed without a message"
