"""The optimizer, the learning-rate schedule, and the moving average of the weights."""

import copy
import math

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from gensynth.training.job import Recipe

MOMENTUM = 0.9


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the optimizer of `recipe`; vectors (normalisations, biases) have no weight decay."""
    matrices = [weight for weight in network.parameters() if weight.ndim > 1]
    vectors = [weight for weight in network.parameters() if weight.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    rate = recipe.learning_rate
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=rate, fused=True)
    return torch.optim.SGD(groups, lr=rate, momentum=MOMENTUM, nesterov=True, fused=True)


def rate_at(step: int, steps: int, recipe: Recipe) -> float:
    """Return the learning rate of `step` (from 0) of `steps`: a linear rise, then half a cosine.

    >>> recipe = Recipe(learning_rate=1.0, warm_up=0.2)
    >>> [round(rate_at(step, 10, recipe), 2) for step in (0, 1, 9)]
    [0.5, 1.0, 0.01]
    """
    warm = recipe.warm_up * steps
    if step + 1 <= warm:
        return recipe.learning_rate * (step + 1) / warm
    progress = (step + 0.5 - warm) / (steps - warm)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


class MovingAverage:
    """Exponential moving average of a network's weights and running statistics.

    `torch.optim.swa_utils.AveragedModel` starts from the network after the first step, has one
    decay for all steps and averages integer buffers too, so only its arithmetic is used here.
    """

    def __init__(self, network: nn.Module, decay: float, average: nn.Module | None = None) -> None:
        """Start from the current weights, or from `average`; `decay` is the share kept at a step.

        The first steps keep less, at most (1 + step) / (10 + step), so that the start fades fast.
        """
        self.network = (average or copy.deepcopy(network)).requires_grad_(False)
        self.decay = decay
        self._pairs = _floats(self.network), _floats(network)

    def update(self, step: int) -> None:
        """Move towards the trained network after `step` (from 0)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        get_ema_multi_avg_fn(decay)(*self._pairs, step)  # type: ignore[no-untyped-call]


def _floats(network: nn.Module) -> list[Tensor]:
    return [t.detach() for t in network.state_dict().values() if t.is_floating_point()]


def optimizer_state(network: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the tensors of the optimizer, by `PARAMETER/KIND`."""
    return {
        f"{name}/{kind}": tensor
        for name, weight in network.named_parameters()
        for kind, tensor in optimizer.state.get(weight, {}).items()
        if isinstance(tensor, Tensor)
    }


def restore_optimizer(
    network: nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Tensor]
) -> None:
    """Restore what `optimizer_state` returned, in the memory layout of the weights."""
    weights = dict(network.named_parameters())
    for key, stored in state.items():
        name, kind = key.rsplit("/", 1)
        weight = weights[name]
        # A fused step traverses weight and state together, so their strides must agree.
        like = torch.empty_like(weight) if stored.shape == weight.shape else weight.new_empty(())
        optimizer.state[weight][kind] = like.detach().copy_(stored)
