"""Windows along the axes of a map, in whatever order they lie in the tensor."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.graph.trace.test_sampling import Network, found
from tests.support.notations import CHANNELS, ROW, SIDE


def by_rows(x: Tensor) -> Tensor:
    """A separable blur of lines: along columns, then along rows, each line as one sequence."""
    height, width = x.shape[-2:]
    lines = F.conv1d(x.reshape(-1, 1, width), ROW[:1, :, 0], stride=2, padding=1)
    turned = lines.view(CHANNELS, height, -1).mT.reshape(-1, 1, height)
    made = F.conv1d(turned, ROW[:1, :, 0], stride=2, padding=1)
    return made.view(1, CHANNELS, width // 2, height // 2).mT


def across(x: Tensor) -> Tensor:
    return F.conv2d(x, ROW, stride=(1, 2), padding=(0, 1), groups=CHANNELS)


@pytest.mark.parametrize(
    ("expected", "reduce"),
    [
        ([(True, False)], lambda n, x: by_rows(x)),
        ([(True, False)], lambda n, x: across(across(x).mT).mT),
        ([(True, False)], lambda n, x: F.avg_pool2d(F.avg_pool2d(x, (1, 2)), (2, 1))),
        ([(True, False)], lambda n, x: F.avg_pool2d(x, (1, 2))),
        ([(False, True)], lambda n, x: F.avg_pool2d(x, (1, 2))[:, :, ::2]),
        ([(False, False)], lambda n, x: F.conv2d(x.mT, n.two, stride=(2, 1))),
        ([], lambda n, x: F.avg_pool2d(x, SIDE)),
        ([], lambda n, x: F.max_pool2d(x, SIDE)),
        # Numbers that are repeated, and dropped again.
        ([], lambda n, x: F.interpolate(x, scale_factor=2)[..., ::2, ::2]),
        ([], lambda n, x: x.repeat_interleave(2, 2).repeat_interleave(2, 3)[..., ::2, 1::2]),
        ([(False, True)], lambda n, x: F.interpolate(x, scale_factor=2)[..., ::4, ::4]),
        ([(False, False)], lambda n, x: F.conv2d(F.interpolate(x, scale_factor=2), n.two, None, 2)),
    ],
)
def test_windows_are_judged_along_the_axes_of_the_map(
    expected: list[tuple[bool, bool]], reduce: Callable[[Network, Tensor], Tensor]
) -> None:
    assert found(reduce) == expected


def test_the_lines_are_the_separable_blur() -> None:
    x = torch.rand(1, CHANNELS, SIDE, SIDE)
    plain = F.conv2d(across(x), ROW.mT, stride=(2, 1), padding=(1, 0), groups=CHANNELS)
    assert torch.allclose(by_rows(x), plain, atol=1e-6)
