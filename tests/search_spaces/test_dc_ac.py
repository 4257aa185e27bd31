"""Double-condensing attention condensers: every option, against the closed forms they state."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import nn

from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from search_spaces.attendnext.blocks import ReleasedCondenser, TextCondenser
from search_spaces.condensers import CONDENSERS, GATES
from tests.search_spaces.test_condensers import of_condensing

I, W, O, G, K = 8, 12, 16, 4, 3  # noqa: E741 - as the closed forms write them
SIZE = (16, 24)
PIXELS = SIZE[0] * SIZE[1]
BLUR = {"tri3": 9, "bin5": 25}
DOWNS = (None, "rect2", "tri3", "bin5", "max", "strided_3x3", "strided_1x1")


def block(mixing: bool, **more: Any) -> Mapping[str, Any]:
    sizes = {"columns": [G], "kernels": [K], "inputs": [I], "inner": [W], "outputs": [O]}
    return {**sizes, "mixing": mixing, "shuffle": False, **more}


def text(
    gate: str = "sigmoid", stride: int = 1, condense: int = 2, pool: str = "max_blur",
    mixing: bool = True,
) -> nn.Module:  # fmt: skip
    made = block(mixing, stride=stride, condense=condense, pool=pool)
    return TextCondenser(made, "silu", gate)


def released(
    gate: str = "sigmoid", branch: str = "basic", down: str | None = None, mixing: bool = True
) -> nn.Module:
    return ReleasedCondenser(block(mixing, branch=branch, down=down), "silu", gate)


def learns(module: nn.Module, shape: tuple[int, ...]) -> None:
    """Check the shape of the output, and that every parameter gets a gradient."""
    torch.manual_seed(0)
    for parameter in module.parameters():
        if parameter.dim() == 1:  # The scale of a norm: else a gradient may vanish by symmetry.
            nn.init.uniform_(parameter, 0.5, 1.5)
    out = module(torch.randn(4, I, *SIZE))
    assert out.shape == (4, *shape)
    (out * torch.randn_like(out)).sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("pool", CONDENSERS)
@pytest.mark.parametrize("condense", [1, 2, 4])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("mixing", [True, False])
def test_text(gate: str, pool: str, condense: int, stride: int, mixing: bool) -> None:
    module = text(gate, stride, condense, pool, mixing)
    learns(module, (O, SIZE[0] // stride, SIZE[1] // stride))
    groups = 1 if mixing else G
    weights = K * K * I * W // G + (W * W + W * O + I * O) // groups
    costs = profile(trace(module, (I, *SIZE)))
    assert costs.params == weights + 4 * W + 4 * O
    condensed = PIXELS // condense**2
    assert costs.macs == condensed * weights + of_condensing(I, SIZE, condense, pool)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("down", DOWNS)
@pytest.mark.parametrize("mixing", [True, False])
def test_released_basic(gate: str, down: str | None, mixing: bool) -> None:
    module, by = released(gate, "basic", down, mixing), 1 if down is None else 2
    learns(module, (O, SIZE[0] // by, SIZE[1] // by))
    weights = K * K * W * (I + O) // G + I * O // (1 if mixing else G)
    costs = profile(trace(module, (I, *SIZE)))
    assert costs.params == weights + 2 * W + 4 * O
    assert costs.macs == PIXELS // by**2 * (weights + BLUR.get(down or "", 0) * 2 * I)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("down", DOWNS)
@pytest.mark.parametrize("mixing", [True, False])
def test_released_bottleneck(gate: str, down: str | None, mixing: bool) -> None:
    module, by = released(gate, "bottleneck", down, mixing), 1 if down is None else 2
    learns(module, (O, SIZE[0] // by, SIZE[1] // by))
    groups = 1 if mixing else G
    narrow, after = I * W // groups, K * K * W * W // G + (W * O + I * O) // groups
    costs = profile(trace(module, (I, *SIZE)))
    assert costs.params == narrow + after + 4 * W + 4 * O
    blurred = BLUR.get(down or "", 0) * (I + W)
    assert costs.macs == PIXELS * narrow + PIXELS // by**2 * (after + blurred)


@pytest.mark.parametrize(("size", "made"), [((7, 5), (4, 3)), ((6, 9), (3, 5))])
def test_odd_maps_are_rounded_up(size: tuple[int, int], made: tuple[int, int]) -> None:
    image = torch.randn(2, I, *size)
    assert text(stride=2)(image).shape[2:] == made
    for branch in ("basic", "bottleneck"):
        for down in DOWNS[1:]:
            assert released(branch=branch, down=down)(image).shape[2:] == made
