"""Optimizer, learning-rate schedule and moving average of the weights."""

import copy
import math

import torch
from torch import Tensor, nn

from gensynth.training.job import Recipe

MOMENTUM = 0.9


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Make the optimizer of `recipe`; vectors (normalisation, biases) get no weight decay."""
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
    """Give the learning rate of `step` (from 0) of `steps`: up along a line, down a cosine."""
    warm = recipe.warm_up * steps
    if step + 1 <= warm:
        return recipe.learning_rate * (step + 1) / warm
    progress = (step + 0.5 - warm) / (steps - warm)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


class MovingAverage:
    """Exponential moving average of a network's weights and statistics."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        """Start from the network as it is; `decay` per step, less in the first steps."""
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.decay = decay
        self._pairs = _floats(self.network), _floats(network)

    def update(self, step: int) -> None:
        """Move towards the trained network after `step` (from 0)."""
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._pairs[0], self._pairs[1], share)


def _floats(network: nn.Module) -> list[Tensor]:
    return [t.detach() for t in network.state_dict().values() if t.is_floating_point()]


def optimizer_state(network: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Give the optimizer's tensors, as `parameter name/kind`."""
    return {
        f"{name}/{kind}": tensor
        for name, weight in network.named_parameters()
        for kind, tensor in optimizer.state.get(weight, {}).items()
        if isinstance(tensor, Tensor)
    }


def restore_optimizer(
    network: nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Tensor]
) -> None:
    """Put the tensors of `optimizer_state` back, in the memory layout of their weights."""
    weights = dict(network.named_parameters())
    for key, stored in state.items():
        name, kind = key.rsplit("/", 1)
        weight = weights[name]
        # A fused step walks weight and state side by side: their strides must agree.
        like = torch.empty_like(weight) if stored.shape == weight.shape else weight.new_empty(())
        optimizer.state[weight][kind] = like.detach().copy_(stored)
