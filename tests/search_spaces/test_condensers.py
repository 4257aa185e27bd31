from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from search_spaces.condensers import ATTENTIONS, CONDENSERS, GATES, bring_back, condenser

CHANNELS = (2, 8, 12)


def ac(c: int, pixels: int) -> tuple[int, int]:
    return c * c + 14 * c, pixels * (c * c + 9 * c)


def vac(c: int, pixels: int) -> tuple[int, int]:
    w = max(2, c // 4)
    return 10 * c * w + 2 * w + 3 * c, pixels * 10 * c * w


def se(c: int, pixels: int) -> tuple[int, int]:
    w = max(2, c // 4)
    return 2 * c * w + w + c, 2 * c * w


CLOSED_FORMS: dict[str, Callable[[int, int], tuple[int, int]]] = {"ac": ac, "vac": vac, "se": se}


def attention(
    kind: str, channels: int, ratio: int = 2, gate: str = "sigmoid", pool: str = "max_blur"
) -> nn.Module:
    return ATTENTIONS[kind](channels, ratio, pool, gate, "silu")


def of_condensing(channels: int, size: tuple[int, int], ratio: int, pool: str) -> int:
    """Return the MACs of condensing a map of `size` that `ratio` divides."""
    halvings = [2**i for i in range(1, ratio.bit_length())]
    pixels = sum((size[0] // by) * (size[1] // by) for by in halvings)
    return 0 if pool == "average" else 9 * channels * pixels


@pytest.mark.parametrize("kind", ATTENTIONS)
@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("pool", CONDENSERS)
@pytest.mark.parametrize("ratio", [1, 2, 4])
def test_costs_equal_the_closed_form(kind: str, channels: int, pool: str, ratio: int) -> None:
    module = attention(kind, channels, ratio, pool=pool)
    params, macs = CLOSED_FORMS[kind](channels, (8 // ratio) * (12 // ratio))
    if kind != "se":
        macs += of_condensing(channels, (8, 12), ratio, pool)
    costs = profile(trace(module, (channels, 8, 12)))
    assert (costs.params, costs.macs) == (params, macs)


@pytest.mark.parametrize("kind", ATTENTIONS)
@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("pool", CONDENSERS)
@pytest.mark.parametrize("ratio", [1, 2, 4])
@pytest.mark.parametrize("size", [(8, 8), (7, 5)])
def test_the_shape_stays_and_every_parameter_learns(
    kind: str, gate: str, pool: str, ratio: int, size: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    module = attention(kind, 8, ratio, gate, pool)
    out = module(torch.randn(4, 8, *size))
    assert out.shape == (4, 8, *size)
    out.pow(3).sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("gate", GATES)
def test_gates_have_their_mean_and_range(gate: str) -> None:
    gates = GATES[gate](torch.randn(2, 6, 3, 3))
    assert (gates >= 0).all()
    if gate.startswith("softmax"):
        mean = 1.0 if gate == "softmax_c" else 1 / 6
        torch.testing.assert_close(gates.mean(dim=1), torch.full((2, 3, 3), mean))
    else:
        assert (gates <= 1).all()
        torch.testing.assert_close(GATES[gate](torch.zeros(1)), torch.tensor([0.5]))


@pytest.mark.parametrize("pool", CONDENSERS)
@pytest.mark.parametrize(("ratio", "size"), [(1, (8, 7)), (2, (4, 4)), (4, (2, 2))])
def test_a_condenser_halves_as_often_as_its_ratio_says(
    pool: str, ratio: int, size: tuple[int, int]
) -> None:
    module = condenser(pool, 3, ratio)
    assert module(torch.randn(1, 3, 8, 7)).shape == (1, 3, *size)
    assert not list(module.parameters()) and not module.state_dict()


def test_condensing_by_the_maximum_keeps_a_strong_activation() -> None:
    image = torch.zeros(1, 1, 8, 8)
    image[0, 0, 3, 3] = 1.0
    assert condenser("max_blur", 1, 2)(image).max() > 2 * condenser("blur", 1, 2)(image).max()


def test_maps_are_brought_back_by_nearest_neighbours() -> None:
    condensed = torch.tensor([[[[1.0, 2.0]]]])
    wanted = torch.tensor([[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]])
    assert torch.equal(bring_back(condensed, [2, 4]), wanted)
    assert bring_back(condensed, [1, 2]) is condensed


def test_attention_looks_around_and_se_does_not() -> None:
    """A change of one pixel reaches the gates of its neighbours, or all gates equally."""
    torch.manual_seed(0)
    image = torch.rand(1, 8, 8, 8) + 1
    other = image.clone()
    other[0, :, 0, 0] += 1

    def gates(kind: str, x: Tensor) -> Tensor:
        module = attention(kind, 8).eval()
        module.load_state_dict(states[kind])
        gated: Tensor = module(x) / x
        return gated

    states = {kind: attention(kind, 8).state_dict() for kind in ("ac", "vac", "se")}
    for kind in ("ac", "vac"):
        change = (gates(kind, image) - gates(kind, other)).abs().amax((0, 1))
        assert change[1, 1] > 1e-6 and change[7, 7] < 1e-6
    change = (gates("se", image) - gates("se", other))[0]
    torch.testing.assert_close(change, change[:, :1, :1].expand_as(change))
