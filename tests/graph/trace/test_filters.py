"""Weights that were learned once are told from filters, whatever holds them."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import torch.ao.quantization.fx._decomposed  # isort: skip  # It defines the operators used here.
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from tests.support.networks import call, conv
from tests.support.notations import BLUR

MACS = 256 * 27 * 8 + 64 * 9 * 64


class Blur(nn.Module):
    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", BLUR.clone())

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel, stride=2, padding=1, groups=8)


def backbone(second: nn.Module | None = None) -> nn.Sequential:
    return nn.Sequential(conv(3, 8), nn.ReLU(), second or conv(8, 8, 3, 2))


def fine_tuned(second: nn.Module | None = None) -> nn.Module:
    frozen = backbone(second).requires_grad_(False)
    return nn.Sequential(frozen, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


def program(second: nn.Module | None = None) -> nn.Module:
    made: nn.Module = torch.jit.freeze(torch.jit.script(backbone(second).eval()))
    return made


class Stored8Bit(nn.Module):
    """Weights in 8 bits, as buffers; a head is left as it was."""

    def __init__(self, decomposed: bool) -> None:
        super().__init__()
        for name, shape in {"one": (8, 3, 3, 3), "two": (8, 8, 3, 3)}.items():
            self.register_buffer(name, torch.randint(-9, 9, shape, dtype=torch.int8))
        self.head, self.decomposed = nn.Linear(8, 10), decomposed

    def weight(self, name: str) -> Tensor:
        stored = self.get_buffer(name)
        if not self.decomposed:
            return stored.float() * 0.1
        scales, zeros = torch.full((8,), 0.1), torch.zeros(8, dtype=torch.int64)
        steps: Any = torch.ops.quantized_decomposed
        made: Tensor = steps.dequantize_per_channel(stored, scales, zeros, 0, -128, 127, torch.int8)
        return made

    def activation(self, x: Tensor) -> Tensor:
        if not self.decomposed:
            return x
        steps: Any = torch.ops.quantized_decomposed
        limits = 0.02, 0, -128, 127, torch.int8
        made: Tensor = steps.dequantize_per_tensor(steps.quantize_per_tensor(x, *limits), *limits)
        return made

    def forward(self, x: Tensor) -> Tensor:
        y = F.conv2d(self.activation(x), self.weight("one"), padding=1).relu()
        y = F.conv2d(self.activation(y), self.weight("two"), stride=2, padding=1)
        made: Tensor = self.head(y.mean((2, 3)))
        return made


class Held(nn.Module):
    """All weights are buffers."""

    def __init__(self) -> None:
        super().__init__()
        for at, part in enumerate((conv(3, 8), conv(8, 8, 3, 2))):
            self.register_buffer(f"weight{at}", part.weight.detach())

    def forward(self, x: Tensor) -> Tensor:
        y = F.conv2d(x, self.get_buffer("weight0"), padding=1).relu()
        return F.conv2d(y, self.get_buffer("weight1"), stride=2, padding=1)


@pytest.mark.parametrize(
    ("make", "macs"),
    [
        (fine_tuned, MACS + 80),
        (program, MACS),
        (Held, MACS),
        (lambda: Stored8Bit(decomposed=False), MACS + 80),
        (lambda: Stored8Bit(decomposed=True), MACS + 80),
    ],
)
def test_weights_that_nobody_trains_any_more_are_no_filters(
    make: Callable[[], nn.Module], macs: int
) -> None:
    graph = trace(make().eval(), (3, 16, 16))
    assert graph.reductions is not None and graph.unknown == ()
    (found,) = [r for r in graph.reductions if not r.exempt]
    assert found.filtered is False and "no fixed low-pass" in found.cause
    assert profile(graph).macs == macs


@pytest.mark.parametrize("make", [fine_tuned, program])
def test_a_blur_stays_a_filter_where_all_is_frozen(
    make: Callable[[nn.Module], nn.Module],
) -> None:
    graph = trace(make(Blur()).eval(), (3, 16, 16))
    assert [r.filtered for r in graph.reductions or () if not r.exempt] == [True]


def test_a_frozen_recurrent_layer_has_its_closed_form() -> None:
    class Rows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(48, 16, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            made: Tensor = self.gru(x.permute(0, 2, 1, 3).flatten(2))[0]
            return made

    frozen = torch.jit.freeze(torch.jit.script(Rows().eval()))
    assert profile(trace(frozen, (3, 16, 16))).macs == 16 * 3 * 16 * (48 + 16)


@pytest.mark.parametrize("make", [deepcopy, lambda part: backbone()])
def test_weights_of_modules_that_are_made_or_copied_while_running_are_learned(
    make: Callable[[nn.Module], nn.Module],
) -> None:
    graph = trace(call(lambda x, parts: make(parts)(x), parts=backbone()), (3, 16, 16))
    assert [r.filtered for r in graph.reductions or () if not r.exempt] == [False]
