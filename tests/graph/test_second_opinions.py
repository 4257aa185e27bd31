"""The property of the count, and what two other counters say."""

from collections.abc import Callable, Mapping

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from gensynth.graph.profile import Profile, profile
from gensynth.graph.second_opinions import Opinion, difference, fvcore_opinion, torch_opinion
from gensynth.graph.trace import trace
from tests.support.networks import call, conv, resnet

SHAPE = (3, 12, 12)
OPERATORS: Mapping[str, Callable[[], nn.Module]] = {
    "conv": lambda: conv(8, 8),
    "grouped": lambda: conv(8, 8, 3, 1, 4),
    "depthwise": lambda: conv(8, 8, 5, 1, 8),
    "pointwise": lambda: conv(8, 8, 1),
    "dilated": lambda: nn.Conv2d(8, 8, 3, padding=2, dilation=2),
    "transposed": lambda: nn.ConvTranspose2d(8, 8, 3, padding=1),
    "separable": lambda: nn.Sequential(nn.Conv2d(8, 8, (1, 3)), nn.Conv2d(8, 8, (3, 1))),
    "padded": lambda: nn.Conv2d(8, 8, 3, padding=1, padding_mode="reflect"),
    "same": lambda: nn.Conv2d(8, 8, 3, padding="same"),
    "linear": lambda: call(
        lambda x, one: one(x.movedim(1, -1)).movedim(-1, 1), one=nn.Linear(8, 8)
    ),
    "einsum": lambda: call(
        lambda x, one: torch.einsum("oc,bchw->bohw", one.weight, x), one=nn.Linear(8, 8)
    ),
    "tokens": lambda: call(
        lambda x, one: (one.weight @ x.flatten(2)).view_as(x), one=nn.Linear(8, 8)
    ),
    "conv1d": lambda: call(
        lambda x, one: one(x.flatten(2)).view_as(x), one=nn.Conv1d(8, 8, 3, padding=1)
    ),
    "baddbmm": lambda: call(
        lambda x, one: torch.baddbmm(x.flatten(2), one.weight[None], x.flatten(2)).view_as(x),
        one=nn.Linear(8, 8),
    ),
    "gate": lambda: call(
        lambda x, one: x * one(x.mean((2, 3)))[..., None, None].sigmoid(), one=nn.Linear(8, 8)
    ),
    "products": lambda: call(
        lambda x: (x.flatten(2).softmax(1) @ x.flatten(2).mT @ x.flatten(2)).view_as(x)
    ),
    "unfold": lambda: call(
        lambda x, one: (one.weight.flatten(1) @ F.unfold(x, 3, padding=1)).view_as(x),
        one=conv(8, 8),
    ),
    "norm": lambda: nn.BatchNorm2d(8),
    "group norm": lambda: nn.GroupNorm(2, 8),
    "instance norm": lambda: nn.InstanceNorm2d(8),
    "layer norm": lambda: call(
        lambda x, one: one(x.movedim(1, -1)).movedim(-1, 1), one=nn.LayerNorm(8)
    ),
    "relu": lambda: nn.ReLU(inplace=True),
    "gelu": lambda: nn.GELU(),
    "prelu": lambda: nn.PReLU(8),
    "softmax": lambda: nn.Softmax(1),
    "max": lambda: nn.MaxPool2d(3, 1, 1),
    "mean": lambda: nn.AvgPool2d(3, 1, 1),
    "shuffle": lambda: nn.ChannelShuffle(2),
    "roll": lambda: call(lambda x: x.roll(1, 2)),
    "residual": lambda: call(lambda x, one: x + one(x), one=conv(8, 8)),
    "cat": lambda: call(lambda x, one: one(torch.cat([x, x.flip(3)], 1)), one=conv(16, 8)),
    "upsampled": lambda: nn.Sequential(nn.Upsample(scale_factor=2), nn.AvgPool2d(2)),
    "cumulated": lambda: call(lambda x: x.cumsum(2).tanh()),
    "sorted": lambda: call(lambda x: x.sort(1).values),
}


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(sorted(OPERATORS)), min_size=1, max_size=8))
def test_macs_of_any_network_are_half_of_torchs_count(names: list[str]) -> None:
    module = nn.Sequential(conv(3, 8), *(OPERATORS[name]() for name in names)).eval()
    known, opinion = profile(trace(module, SHAPE)), torch_opinion(module, SHAPE)
    assert opinion.problem == ""
    assert known.macs + known.matmul_macs == opinion.total, names
    assert known.uncounted == ()


def test_an_operator_of_ones_own_is_never_counted_as_nothing() -> None:
    def run(x: Tensor, one: nn.Module) -> Tensor:
        spectrum: Tensor = torch.fft.rfft(one(x))
        return spectrum.real

    module = call(run, one=conv(3, 8))
    known = profile(trace(module, SHAPE))
    assert known.uncounted and known.macs == torch_opinion(module, SHAPE).total


def test_counts_that_agree_need_no_explanation() -> None:
    module = nn.Sequential(conv(3, 8), nn.ReLU())
    known = profile(trace(module, SHAPE))
    for opinion in (fvcore_opinion(module, SHAPE), torch_opinion(module, SHAPE)):
        assert difference(opinion, known) == ""


def test_normalisation_that_fvcore_counts_explains_the_difference() -> None:
    known = profile(trace(resnet(), SHAPE))
    words = difference(fvcore_opinion(resnet(), SHAPE), known)
    assert "batch_norm" in words and "no MACs by definition" in words and "left" not in words


def test_products_of_activations_explain_the_difference() -> None:
    module = call(lambda x, one: one(x).flatten(2) @ x.flatten(2).mT, one=conv(3, 8))
    known = profile(trace(module, SHAPE))
    words = difference(torch_opinion(module, SHAPE), known)
    assert "products of two activations" in words and "left" not in words


def test_what_is_left_is_said() -> None:
    words = difference(Opinion("fvcore", {"conv": 900}, {"aten::mine": 2}), Profile(1, 1000, 4, 4))
    assert "-100 MACs are left" in words and "aten::mine (2)" in words


@pytest.mark.parametrize("ask", [fvcore_opinion, torch_opinion])
def test_a_counter_that_fails_says_so_in_a_line(
    ask: Callable[[nn.Module, tuple[int, int, int]], Opinion],
) -> None:
    opinion = ask(conv(4, 8), SHAPE)
    assert opinion.problem and "\n" not in opinion.problem
    assert difference(opinion, Profile(1, 1, 1, 1)).startswith("no count: ")
