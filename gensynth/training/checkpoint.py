"""Checkpoints of a training: one safetensors file, replaced as a whole, never a pickle.

The tensors are those of the network, its moving average and the optimizer. The curve so far and
the identity of the job are JSON in the file's header, so that they cannot be separated from them.
"""

import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from gensynth.errors import InputError
from gensynth.evaluation.measurement import Measurement
from gensynth.serialization import dumps, from_plain, loads, put_in_place

CHECKPOINT = "checkpoint.safetensors"
NEXT = "next.safetensors"
"""A checkpoint of a group that becomes `CHECKPOINT` once those of all its members are written."""
OPTIMIZER_STATES = {frozenset({"momentum_buffer"}), frozenset({"step", "exp_avg", "exp_avg_sq"})}
"""What SGD and AdamW keep for each weight."""
Parts = dict[str, dict[str, Tensor]]
"""Tensors by part (`network`, `average`, `optimizer`) and name."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """A training after some epochs."""

    curve: tuple[Measurement, ...]
    tensors: Mapping[str, Tensor]
    """By `PART/NAME`; see `Parts`."""


def save(folder: Path, identity: str, checkpoint: Checkpoint) -> None:
    """Write the checkpoint of the job `identity`; if that fails, the previous one stays."""
    save_together([(folder, identity, checkpoint)], CHECKPOINT)


def save_together(several: Sequence[tuple[Path, str, Checkpoint]], name: str = NEXT) -> None:
    """Write the checkpoints of several jobs (folder, identity, checkpoint) after the same epoch.

    A crash leaves all of them readable after this epoch or after the previous one. If writing
    fails, the previous ones stay.
    """
    for folder, identity, checkpoint in several:
        header = {"job": identity, "curve": dumps(checkpoint.curve)}
        try:
            write_tensors(folder / name, checkpoint.tensors, header)
        except (OSError, SafetensorError) as error:
            _log.warning("%s: no checkpoint was written (%s)", folder, error)
            return
    for folder, *_ in several:
        (folder / name).replace(folder / CHECKPOINT)


def load_together(several: Sequence[tuple[Path, str]]) -> list[Checkpoint] | None:
    """Read the checkpoints of several jobs (folder, identity) after the last epoch that all have.

    Returns None if they have none in common.
    """
    found = []
    for place in several:
        read = [load(*place, name) for name in (CHECKPOINT, NEXT)]
        found.append({len(each.curve): each for each in read if each is not None})
    common = set.intersection(*(set(each) for each in found))
    return [each[max(common)] for each in found] if common else None


def load(folder: Path, identity: str, name: str = CHECKPOINT) -> Checkpoint | None:
    """Read the checkpoint of the job `identity`; return None if there is no usable one."""
    path = folder / name
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("job") != identity:
                return None
            text = header["curve"]
            curve = from_plain(tuple[Measurement, ...], loads(text, CHECKPOINT), CHECKPOINT)
            return Checkpoint(curve, {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (OSError, KeyError, SafetensorError, InputError) as error:
        _log.warning("%s cannot be read (%s): the training starts again", path, error)
        return None


def discard(folder: Path) -> None:
    """Delete the checkpoint in `folder`, if any; its job has been recorded."""
    (folder / CHECKPOINT).unlink(missing_ok=True)


def parts_of(stored: Checkpoint, networks: Mapping[str, nn.Module], epochs: int) -> Parts:
    """Return the tensors of a checkpoint by part, once all are known to fit the training.

    Args:
        stored: the checkpoint.
        networks: the networks that it must fit: `network`, and `average` if there is one.
        epochs: length of the whole training.

    Raises:
        InputError: it is not a checkpoint of these networks.
    """
    parts: Parts = {"network": {}, "average": {}, "optimizer": {}}
    for name, tensor in stored.tensors.items():
        part, _, rest = name.partition("/")
        if part not in parts:
            raise InputError(CHECKPOINT, f"has an unexpected tensor {name!r}")
        parts[part][rest] = tensor
    for part, network in networks.items():
        if _shapes(parts[part]) != _shapes(network.state_dict()):
            raise InputError(CHECKPOINT, f"the tensors of the {part} do not fit")
    _require_optimizer(parts["optimizer"], dict(networks["network"].named_parameters()))
    _require_curve(stored.curve, epochs)
    return parts


def write_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Write a safetensors file that is either complete or not there at all."""
    path.parent.mkdir(exist_ok=True)  # Without its parents: a campaign may have been moved.
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        _save(plain, partial, header)
        put_in_place(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _save(tensors: dict[str, Tensor], path: Path, header: Mapping[str, str]) -> None:
    """Save, and raise the system's own error if the disk is full or read-only."""
    try:
        save_file(tensors, path, dict(header))
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        code = int(number[1])
        raise OSError(code, os.strerror(code), str(path.parent)) from None


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}


def _require_optimizer(state: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    kinds: dict[str, set[str]] = {}
    for key, tensor in state.items():
        name, _, kind = key.rpartition("/")
        if name not in weights:
            raise InputError(CHECKPOINT, f"the optimizer has no weight {name!r}")
        if tensor.shape != (torch.Size() if kind == "step" else weights[name].shape):
            raise InputError(CHECKPOINT, "the tensors of the optimizer do not fit")
        kinds.setdefault(name, set()).add(kind)
    if any(found not in OPTIMIZER_STATES for found in kinds.values()):
        raise InputError(CHECKPOINT, "tensors of the optimizer are missing")


def _require_curve(curve: Sequence[Measurement], epochs: int) -> None:
    numbers = [measurement.epoch for measurement in curve]
    if numbers != list(range(1, len(numbers) + 1)) or len(numbers) > epochs:
        raise InputError(CHECKPOINT, "epochs of the curve are missing or superfluous")
