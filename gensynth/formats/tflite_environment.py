"""The process that converts to TensorFlow Lite, and the environment that it runs in.

The converter weighs 2 GB and pins versions of its own (JAX among them), so it is no dependency.
`gensynth format setup tflite` prepares an environment for it in the cache folder. If its packages
are installed next to gensynth, that environment serves.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import resources
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from gensynth.data.open import default_cache
from gensynth.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

NAME = "tflite"
SETUP = f"gensynth format setup {NAME}"
WORKER = Path(__file__).with_name("tflite_worker.py")
CONVERTER = ("litert_torch", "ai_edge_quantizer", "ai_edge_litert", "tflite_micro")
"""Modules that write and check a file."""
RUNTIME = ("ai_edge_litert",)
"""Modules that run one."""
INTERPRETER = "interpreter"
"""File of a prepared environment with the path of its Python; it is written last."""
OLDEST = (3, 11)
"""Oldest Python that runs the worker."""

ENDING_S = 30.0
"""Seconds that a worker gets to end."""

Say = Callable[[str], None]


def interpreter(modules: tuple[str, ...] = CONVERTER) -> Path:
    """Return a Python that has the modules: this one, or that of the prepared environment.

    Raises:
        InputError: neither has them; the message names the command that prepares it.
    """
    if all(find_spec(module) is not None for module in modules):
        return Path(sys.executable)
    note = _folder() / INTERPRETER
    if not note.is_file():
        packages = ", ".join(module.replace("_", "-") for module in modules)
        raise InputError(NAME, f"needs {packages}, not installed here; run: {SETUP}")
    python = Path(note.read_text(encoding="utf-8"))
    if not python.exists():
        raise InputError(NAME, f"{python} is gone; run again: {SETUP}")
    return python


def prepare(say: Say, python: str | None = None) -> None:
    """Prepare the environment unless it is ready, and try it.

    Args:
        say: called with each line of progress.
        python: an interpreter of an environment that has the packages already.

    Raises:
        InputError: pip cannot install the packages, or they do not work.
    """
    folder = _folder()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            _prepare(folder, say, python)
    except OSError as error:
        raise InputError(str(folder), f"cannot be written ({error.strerror})") from None


def _prepare(folder: Path, say: Say, python: str | None) -> None:
    note = folder / INTERPRETER
    if python is None and note.is_file() and Path(note.read_text(encoding="utf-8")).exists():
        say(f"already installed: {folder}")
        _try(Path(note.read_text(encoding="utf-8")), say)
        return
    found = _new_environment(folder, say) if python is None else Path(python).absolute()
    _try(found, say)
    folder.mkdir(exist_ok=True)
    note.write_text(str(found), encoding="utf-8")
    say(f"ready: {folder}")


def _new_environment(folder: Path, say: Say) -> Path:
    say(f"a new environment: {folder}")
    _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    place = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    python, listed = folder.joinpath(*place), folder / "requirements.txt"
    listed.write_text(requirements(), encoding="utf-8")
    total = requirements().count("==")
    say(f"pip installs {total} packages, about 2 GB; this takes minutes")
    pip_install([str(python), "-m", "pip", "install", "-r", str(listed)], total, say)
    return python


def requirements() -> str:
    """Return the packages of the environment with their versions; torch has that of this one."""
    text = resources.files("gensynth.resources").joinpath("tflite.txt").read_text("utf-8")
    return f"{text}torch=={version('torch').partition('+')[0]}\n"


def pip_install(command: list[str], total: int, say: Say) -> None:
    """Run pip, and say which of `total` packages it is at.

    Raises:
        InputError: pip fails; the message is its first line of error.
    """
    options = ["--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    lines, started = [""], 0
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            lines.append(line.strip())
            word, _, rest = line.strip().partition(" ")
            if word in ("Collecting", "Processing"):
                started = min(started + 1, total)
                say(f"{started} of {total}: {Path(rest.split()[0]).name}")
    if process.returncode != 0:
        errors = [line for line in lines if line.startswith("ERROR:")] or lines[-1:]
        raise InputError(NAME, f"pip cannot install the converter: {errors[0][:300]}")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise InputError(NAME, f"{' '.join(command[1:3])} failed: {lines[-1][:300]}")


def _try(python: Path, say: Say) -> None:
    found = Worker(python).ask({"do": "versions"})
    say(", ".join(f"{name} {number}" for name, number in found.items()))


@lru_cache(maxsize=1)
def _key() -> str:
    parts = f"{requirements()} {sys.version_info[:2]} {sys.platform}"
    return hashlib.sha256(parts.encode()).hexdigest()[:12]


def _folder() -> Path:
    """Return the folder of the environment, named by its versions, so that it is never outdated."""
    return default_cache() / f"{NAME}-{_key()}"


class Worker:
    """A process that answers requests until this object is gone."""

    def __init__(self, python: Path) -> None:
        """Start the process; `InputError` if it cannot be started."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process
        # Without -P the modules beside the worker would hide packages of the same names.
        command = [str(python), "-P", str(WORKER)]
        quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=quiet,
            )
        except OSError as error:
            raise InputError(NAME, f"{python} cannot be run ({error.strerror})") from None
        weakref.finalize(self, _end, self._process)

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a request; `InputError` if it fails."""
        return self._exchange(request, b"")[0]

    def run(self, images: "Tensor") -> "Tensor":
        """Return the logits (N, classes) of the opened file for images (N, C, H, W)."""
        import torch

        values = np.ascontiguousarray(images.detach().cpu().numpy(), np.float32)
        answer, data = self._exchange({"shape": list(values.shape)}, values.tobytes())
        outputs = np.frombuffer(data, np.float32).reshape(answer["shape"])
        return torch.from_numpy(outputs.copy())

    def _exchange(self, request: Mapping[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        asked, answered = self._process.stdin, self._process.stdout
        if asked is None or answered is None:
            raise InputError(NAME, "the converter has no pipes")
        try:
            asked.write(json.dumps(request).encode() + b"\n" + data)
            asked.flush()
            answer: dict[str, Any] = json.loads(answered.readline())
        except (OSError, ValueError):
            raise InputError(NAME, f"its process has ended: {self._last_words()}") from None
        if "error" in answer:
            raise InputError(NAME, str(answer["error"]))
        size = 4
        for length in answer.get("shape", (0,)):
            size *= length
        return answer, answered.read(size)

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        if lines:
            return lines[-1][:300]
        code = self._process.wait(ENDING_S)
        return signal.Signals(-code).name if code < 0 else "without a message"


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a worker, which stops when nothing can be asked any more."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:  # It has ended already.
                continue
    try:
        process.wait(ENDING_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
