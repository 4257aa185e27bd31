"""Checkpoints of a training: one safetensors file, replaced as a whole, never a pickle.

The tensors are the network's, the moving average's and the optimizer's; the curve so far and the
identity of the job stand as JSON in the file's own header, so that they cannot come apart.
"""

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from gensynth.errors import InputError
from gensynth.evaluation.measurement import Measurement
from gensynth.serialization import dumps, from_plain, loads

FILE = "checkpoint.safetensors"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """A training after some epochs."""

    curve: tuple[Measurement, ...]
    tensors: Mapping[str, Tensor]


def save(folder: Path, identity: str, checkpoint: Checkpoint) -> None:
    """Write the checkpoint of the job `identity`; on a full disk the older one stays."""
    header = {"job": identity, "curve": dumps(checkpoint.curve)}
    try:
        write_tensors(folder / FILE, checkpoint.tensors, header)
    except (OSError, SafetensorError) as error:
        _log.warning("%s: no checkpoint was written (%s)", folder, error)


def load(folder: Path, identity: str) -> Checkpoint | None:
    """Read the checkpoint of the job `identity`; None where there is none that can be used."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("job") != identity:
                return None
            curve = from_plain(tuple[Measurement, ...], loads(header["curve"], FILE), FILE)
            return Checkpoint(curve, {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (OSError, KeyError, SafetensorError, InputError) as error:
        _log.warning("%s cannot be read (%s): the training starts again", path, error)
        return None


def discard(folder: Path) -> None:
    """Remove the checkpoint in `folder`, if there is one: its job is recorded."""
    (folder / FILE).unlink(missing_ok=True)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Write a safetensors file that is either whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        _save(plain, partial, header)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _save(tensors: dict[str, Tensor], path: Path, header: Mapping[str, str]) -> None:
    """Save, with the system's own error where the disk is full or may not be written to."""
    try:
        save_file(tensors, path, dict(header))
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        code = int(number[1])
        raise OSError(code, os.strerror(code), str(path.parent)) from None
