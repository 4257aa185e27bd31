import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gensynth.graph.downsampling import reductions, sees_low_pass
from gensynth.graph.trace import trace
from tests.support.networks import call, conv


def blur(taps: list[float], stride: int) -> nn.Module:
    plane = torch.outer(torch.tensor(taps), torch.tensor(taps))
    weight = (plane / plane.sum()).expand(8, 1, len(taps), len(taps))
    before = (len(taps) - 1) // 2
    pad = (before, len(taps) - 1 - before) * 2

    def run(x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, pad, mode="reflect"), weight, stride=stride, groups=8)

    return call(run)


def judged(*parts: nn.Module) -> list[bool]:
    """Return, for each reduction after a first convolution, whether it is filtered."""
    graph = trace(nn.Sequential(conv(3, 8, 3, 2), nn.ReLU(), *parts), (3, 32, 32))
    return [sees_low_pass(graph, row) for row in reductions(graph)]


every_second = call(lambda x: x[:, :, ::2, ::2])
to_depth = call(lambda x: torch.cat([x[:, :, ::2], x[:, :, 1::2]], 1))


@pytest.mark.parametrize(
    ("parts", "filtered"),
    [
        ([nn.AvgPool2d(2)], [True]),
        ([nn.AvgPool2d(3, 2, 1)], [True]),
        ([nn.AvgPool2d((1, 2))], [True]),
        ([nn.AvgPool2d(2, 4)], [False]),
        ([nn.MaxPool2d(2)], [False]),
        ([nn.MaxPool2d(2, 1), blur([1, 2, 1], 2)], [True]),
        ([blur([1, 2, 1], 1), nn.MaxPool2d(2)], [False]),
        ([blur([1, 1], 2)], [True]),
        ([blur([1, 4, 6, 4, 1], 2)], [True]),
        ([blur([1, 8, 1], 2)], [False]),
        ([conv(8, 8, 3, 2)], [False]),
        ([conv(8, 8, 1, 2)], [False]),
        ([conv(8, 8, 3, 2, 8)], [False]),
        ([blur([1, 2, 1], 1), conv(8, 8, 3, 2)], [True]),
        ([blur([1, 2, 1], 1), nn.ReLU(), conv(8, 8, 3, 2)], [False]),
        ([conv(8, 8), nn.ReLU(), blur([1, 2, 1], 2)], [True]),
        ([every_second], [False]),
        ([blur([1, 2, 1], 1), every_second], [True]),
        ([to_depth], []),
        ([to_depth, conv(16, 8, 1)], [False]),
        ([call(lambda x: F.interpolate(x, scale_factor=0.5))], [False]),
        ([call(lambda x: F.interpolate(x, (8, 8), mode="bilinear", antialias=True))], [True]),
        ([call(lambda x: F.interpolate(x, scale_factor=2.0))], []),
        ([nn.ConvTranspose2d(8, 8, 2, 2)], []),
        ([nn.AdaptiveAvgPool2d(1)], []),
        ([nn.AdaptiveAvgPool2d(4)], [True]),
        ([nn.AdaptiveMaxPool2d(4)], [False]),
        ([conv(8, 8), nn.MaxPool2d(3, 1, 1)], []),
    ],
)
def test_reductions_are_judged_by_their_filter(
    parts: list[nn.Module], filtered: list[bool]
) -> None:
    assert judged(*parts) == filtered


def test_the_first_convolution_is_exempt_and_what_stands_before_it() -> None:
    graph = trace(nn.Sequential(nn.MaxPool2d(2), conv(3, 8, 3, 2)), (3, 16, 16))
    assert reductions(graph) == []
