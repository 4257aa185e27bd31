import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gensynth.training.job import Recipe
from gensynth.training.optimizer import (
    MovingAverage,
    make_optimizer,
    optimizer_state,
    rate_at,
    restore_optimizer,
)


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))


@given(st.integers(1, 400), st.floats(0, 0.9))
def test_rate_rises_to_the_top_and_falls_to_almost_nothing(steps: int, warm_up: float) -> None:
    recipe = Recipe(learning_rate=0.5, warm_up=warm_up)
    rates = [rate_at(step, steps, recipe) for step in range(steps)]
    assert all(0 < rate <= 0.5 + 1e-12 for rate in rates)
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert top <= warm_up * steps + 1


def test_rate_by_hand() -> None:
    recipe = Recipe(learning_rate=1.0, warm_up=0.2)
    assert [rate_at(step, 10, recipe) for step in (0, 1)] == pytest.approx([0.5, 1.0])
    assert rate_at(2, 10, recipe) == pytest.approx(0.5 * (1 + math.cos(math.pi / 16)))


def test_only_matrices_decay() -> None:
    groups = make_optimizer(network(), Recipe(weight_decay=0.1)).param_groups
    decayed = {
        weight.ndim > 1: group["weight_decay"] for group in groups for weight in group["params"]
    }
    assert decayed == {True: 0.1, False: 0.0}
    assert sum(len(group["params"]) for group in groups) == 6


def learn(net: nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> None:
    """Take one step along gradients that depend on the seed alone."""
    rng = torch.Generator().manual_seed(seed)
    for weight in net.parameters():
        weight.grad = torch.empty_like(weight).copy_(torch.randn(weight.shape, generator=rng))
    optimizer.step()


@pytest.mark.parametrize("name", ["sgd", "adamw"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_optimizer_state_survives(name: str, layout: torch.memory_format) -> None:
    recipe = Recipe(optimizer="adamw" if name == "adamw" else "sgd")
    first, second = (nn.Conv2d(3, 4, 3).to(memory_format=layout) for _ in range(2))  # type: ignore[call-overload]
    one, two = make_optimizer(first, recipe), make_optimizer(second, recipe)
    learn(first, one, seed=0)
    second.load_state_dict(first.state_dict())
    stored = {key: t.clone().contiguous() for key, t in optimizer_state(first, one).items()}
    restore_optimizer(second, two, stored)
    for seed in (1, 2):
        learn(first, one, seed)
        learn(second, two, seed)
    assert torch.equal(first.weight, second.weight)
    assert torch.equal(first.bias, second.bias)


def test_moving_average_follows_weights_and_statistics() -> None:
    net = network()
    average = MovingAverage(net, decay=0.5)
    before = {name: t.clone() for name, t in average.network.state_dict().items()}
    with torch.no_grad():
        for tensor in net.state_dict().values():
            tensor.add_(1)
    average.update(step=1000)
    after = average.network.state_dict()
    for name, tensor in before.items():
        if tensor.is_floating_point():
            assert torch.allclose(after[name], tensor + 0.5)
    assert not any(weight.requires_grad for weight in average.network.parameters())


def test_moving_average_starts_fast() -> None:
    net = nn.Linear(1, 1, bias=False)
    average = MovingAverage(net, decay=0.999)
    with torch.no_grad():
        net.weight.fill_(5.0)
    average.update(step=0)
    start = next(average.network.parameters()).item()
    assert start > 4.0
