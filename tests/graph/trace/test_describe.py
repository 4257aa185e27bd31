from collections.abc import Callable, Sequence
from math import cos, pi
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from gensynth.graph.graph import Layer
from gensynth.graph.trace import trace
from gensynth.graph.trace.filters import response_at_nyquist
from tests.support.networks import call

SHAPE = (8, 12, 12)


def last(run: Callable[..., Any], **parts: nn.Module) -> Layer:
    return trace(call(run, **parts), SHAPE).layers[-1]


def through(module: nn.Module) -> Layer:
    return trace(module, SHAPE).layers[-1]


def outer(taps: Sequence[float]) -> Tensor:
    return torch.outer(torch.tensor(taps), torch.tensor(taps))


@pytest.mark.parametrize(
    ("taps", "response"),
    [
        ([1], 1),
        ([1, 1], 0),
        ([1, 2, 1], 0),
        ([1, 4, 6, 4, 1], 0),
        ([1, 1, 1], 1 / 3),
        ([1, 1, 1, 1, 1], 1 / 5),
        ([0, 1, 0], 1),
        ([1, 0, 1], 1),
    ],
)
def test_response_of_well_known_filters(taps: list[float], response: float) -> None:
    assert response_at_nyquist(outer(taps)) == pytest.approx(response, abs=1e-6)


def test_the_worse_axis_and_the_worst_channel_count() -> None:
    smooth, rough = outer([1.0, 2.0, 1.0]), outer([1.0, 1.0, 1.0])
    one_axis = torch.tensor([[1.0, 2.0, 1.0]]).expand(1, 1, 1, 3)
    assert response_at_nyquist(one_axis) == 1
    assert response_at_nyquist(torch.stack([smooth, rough])[:, None]) == pytest.approx(
        1 / 3, abs=1e-6
    )
    assert response_at_nyquist(torch.tensor([[1.0, -1.0]])) is None


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=6), st.integers(1, 3))
def test_response_is_the_fourier_transform_at_pi(taps: list[float], dilation: int) -> None:
    total = sum(tap * cos(pi * dilation * i) for i, tap in enumerate(taps))
    response = response_at_nyquist(outer(taps).double(), (dilation, dilation))
    assert response == pytest.approx(abs(total) / sum(taps), abs=2e-5)


@pytest.mark.parametrize(
    ("pool", "kernel", "stride", "nyquist"),
    [
        (nn.AvgPool2d(2), (2, 2), (2, 2), 0),
        (nn.AvgPool2d(3, 2, 1), (3, 3), (2, 2), 1 / 3),
        (nn.AvgPool2d((1, 2)), (1, 2), (1, 2), 1),
        (nn.MaxPool2d(3, 1, 1), (3, 3), (1, 1), None),
        (nn.MaxPool2d(2, 1, dilation=3), (4, 4), (1, 1), None),
        (nn.AdaptiveAvgPool2d(3), (4, 4), (4, 4), 0),
    ],
)
def test_pools_have_a_window_and_means_a_response(
    pool: nn.Module, kernel: tuple[int, int], stride: tuple[int, int], nyquist: float | None
) -> None:
    row = through(pool)
    assert (row.kind, row.kernel, row.stride) == ("pool", kernel, stride)
    assert row.nyquist == (None if nyquist is None else pytest.approx(nyquist, abs=1e-6))
    assert row.macs == 0


@pytest.mark.parametrize(
    ("module", "macs"),
    [
        (nn.Conv2d(8, 16, 3), 100 * 16 * 8 * 9),
        (nn.Conv2d(8, 16, 3, 2, 1, groups=4), 36 * 16 * 2 * 9),
        (nn.Conv2d(8, 8, 5, padding=2, groups=8), 144 * 8 * 25),
        (nn.Conv2d(8, 16, 3, dilation=2), 64 * 16 * 8 * 9),
        (nn.ConvTranspose2d(8, 4, 2, 2), 144 * 8 * 4 * 4),
        (nn.Linear(12, 5), 8 * 12 * 12 * 5),
    ],
)
def test_multiply_accumulates_are_counted_by_hand(module: nn.Module, macs: int) -> None:
    assert sum(layer.macs for layer in trace(module, SHAPE)) == macs


@pytest.mark.parametrize(
    ("module", "detail"),
    [
        (nn.Conv2d(8, 8, 3, padding=1), ""),
        (nn.Conv2d(8, 8, 3), "padding=0x0"),
        (nn.Conv2d(8, 8, 3, padding=2, dilation=2), "dilation=2x2"),
        (nn.AvgPool2d(2), ""),
        (nn.Softmax(1), ""),
        (nn.Softmax(2), "dim=2"),
        (nn.LeakyReLU(0.2), "negative_slope=0.2"),
        (nn.LeakyReLU(), ""),
        (nn.ReLU6(), ""),
        (nn.Hardtanh(0, 2), "max_val=2,min_val=0"),
    ],
)
def test_details_tell_what_is_unusual(module: nn.Module, detail: str) -> None:
    assert through(module).detail == detail


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda x: x * 2, lambda x: x * 3),
        (lambda x: x.mean((2, 3)), lambda x: x.mean((1, 2))),
        (lambda x: x[:, :, 1:5], lambda x: x[:, :, 2:6]),
        (lambda x: x.split(6, 2)[0], lambda x: x.split(6, 2)[1]),
        (lambda x: x.transpose(2, 3), lambda x: x),
        (
            lambda x: F.interpolate(x, scale_factor=2),
            lambda x: F.interpolate(x, (24, 24), mode="bilinear"),
        ),
        (lambda x: torch.add(x, x.relu(), alpha=2), lambda x: torch.add(x.relu(), x, alpha=2)),
    ],
)
def test_different_functions_have_different_fingerprints(
    one: Callable[[Tensor], Tensor], other: Callable[[Tensor], Tensor]
) -> None:
    graphs = [trace(call(lambda x, run=run: run(x) + 0), SHAPE) for run in (one, other)]
    assert graphs[0].fingerprint != graphs[1].fingerprint


def test_operators_go_by_one_name() -> None:
    assert last(F.relu6).op == last(lambda x: F.hardtanh(x, 0, 6)).op == "relu6"
    assert through(nn.GroupNorm(4, 8))[:2] == ("norm", "group_norm")
    assert through(nn.GroupNorm(4, 8)).groups == 4
