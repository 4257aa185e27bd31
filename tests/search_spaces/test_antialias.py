from importlib import import_module
from importlib.util import find_spec

import pytest
import torch
from torch import Tensor, nn

from gensynth.models import timm_models
from search_spaces.antialias import BIN_5, REDUCERS, TRI_3, Blur

TAPS = {"rect2": (1.0, 1.0), "tri3": TRI_3, "bin5": BIN_5}


def reference(image: Tensor, taps: tuple[float, ...]) -> Tensor:
    """Filter pixel by pixel in float64: the edge replicated, every second row and column kept."""
    _, _, height, width = image.shape
    before = (len(taps) - 1) // 2
    out = torch.zeros(*image.shape[:2], (height + 1) // 2, (width + 1) // 2, dtype=torch.float64)
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            for a, down in enumerate(taps):
                for b, right in enumerate(taps):
                    y = min(max(2 * i + a - before, 0), height - 1)
                    x = min(max(2 * j + b - before, 0), width - 1)
                    out[:, :, i, j] += down * right * image[:, :, y, x]
    return out / sum(taps) ** 2


@pytest.mark.parametrize("name", TAPS)
@pytest.mark.parametrize("size", [(8, 8), (7, 6), (2, 3), (5, 5)])
def test_filters_equal_a_float64_reference(name: str, size: tuple[int, int]) -> None:
    image = torch.randn(2, 3, *size, dtype=torch.float64)
    reducer = REDUCERS[name](3).double()
    # The filters' taps are exact in float32, their sums are powers of two.
    torch.testing.assert_close(reducer(image), reference(image, TAPS[name]), rtol=0, atol=1e-12)


@pytest.mark.skipif(find_spec("timm") is None, reason="timm (extra `peers`) is not installed")
@pytest.mark.parametrize("name", ["tri3", "bin5"])
@pytest.mark.parametrize("size", [8, 7])
def test_odd_filters_equal_timm(name: str, size: int) -> None:
    timm_models.make({"name": "test_resnet"})  # imports timm with what it takes
    blur_pool = import_module("timm.layers").BlurPool2d
    theirs = blur_pool(3, len(TAPS[name]), stride=2, pad_mode="replicate")
    image = torch.randn(2, 3, size, size)
    torch.testing.assert_close(REDUCERS[name](3)(image), theirs(image))


@pytest.mark.parametrize("name", TAPS)
def test_filters_leave_torch_as_a_program(name: str) -> None:
    image, batch = torch.randn(2, 3, 7, 8), torch.export.Dim("batch")
    reducer = REDUCERS[name](3)
    program = torch.export.export(reducer, (image,), dynamic_shapes=({0: batch},))
    torch.testing.assert_close(program.module()(image[:1]), reducer(image[:1]))


@pytest.mark.parametrize("taps", [(1.0, 1.0), (1.0, 3.0, 3.0, 1.0), TRI_3, BIN_5])
def test_even_maps_halve_exactly_and_constants_stay(taps: tuple[float, ...]) -> None:
    blurred = Blur(2, taps)(torch.full((1, 2, 10, 6), 3.0))
    torch.testing.assert_close(blurred, torch.full((1, 2, 5, 3), 3.0))


@pytest.mark.parametrize("name", TAPS)
def test_the_highest_frequency_is_blocked(name: str) -> None:
    board = torch.tensor([1.0, -1.0]).repeat(8).expand(1, 1, 16, 16).clone()
    inner = REDUCERS[name](1)(board)[..., 2:-2, 2:-2]
    torch.testing.assert_close(inner, torch.zeros_like(inner))
    assert REDUCERS["max"](1)(board).abs().min() == 1


@pytest.mark.parametrize("name", REDUCERS)
def test_nothing_is_learned_or_stored(name: str) -> None:
    reducer: nn.Module = REDUCERS[name](4)
    assert not list(reducer.parameters()) and not reducer.state_dict()
