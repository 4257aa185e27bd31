"""Whether a checkpoint's tensors are those of a training, before any of them is taken."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from gensynth.errors import InputError
from gensynth.evaluation.measurement import Measurement
from gensynth.training.checkpoint import FILE, Checkpoint

Parts = dict[str, dict[str, Tensor]]
KINDS = {frozenset({"momentum_buffer"}), frozenset({"step", "exp_avg", "exp_avg_sq"})}
"""What SGD and AdamW keep of a weight."""


def parts_of(stored: Checkpoint, networks: Mapping[str, nn.Module], epochs: int) -> Parts:
    """Sort tensors by what stands before the first slash: `network`, `average`, `optimizer`.

    Args:
        stored: what was read.
        networks: those that it must fit, `network` first.
        epochs: of the whole training.

    Raises:
        InputError: it is not a checkpoint of these networks.
    """
    parts: Parts = {"network": {}, "average": {}, "optimizer": {}}
    for name, tensor in stored.tensors.items():
        part, _, rest = name.partition("/")
        if part not in parts:
            raise InputError(FILE, "has tensors of something else")
        parts[part][rest] = tensor
    for part, network in networks.items():
        if _shapes(parts[part]) != _shapes(network.state_dict()):
            raise InputError(FILE, f"has other tensors of the {part}")
    _require_optimizer(parts["optimizer"], dict(networks["network"].named_parameters()))
    _require_curve(stored.curve, epochs)
    return parts


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}


def _require_optimizer(state: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    kinds: dict[str, set[str]] = {}
    for key, tensor in state.items():
        name, _, kind = key.rpartition("/")
        shape = torch.Size() if kind == "step" else getattr(weights.get(name), "shape", None)
        if tensor.shape != shape:
            raise InputError(FILE, "has other tensors of the optimizer")
        kinds.setdefault(name, set()).add(kind)
    if any(found not in KINDS for found in kinds.values()):
        raise InputError(FILE, "has not all tensors of the optimizer")


def _require_curve(curve: Sequence[Measurement], epochs: int) -> None:
    numbers = [measurement.epoch for measurement in curve]
    if numbers != list(range(1, len(numbers) + 1)) or len(numbers) > epochs:
        raise InputError(FILE, "has a curve with gaps")
