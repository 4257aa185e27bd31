"""One function, one verdict: reductions in many notations."""

from collections.abc import Callable, Mapping

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from constraints.antialiased_downsampling import AntialiasedDownsampling
from constraints.strided_pointwise import StridedPointwise
from gensynth.evaluation.constraint import Candidate
from gensynth.graph.graph import Reduction
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from tests.support.networks import call, conv
from tests.support.notations import (
    BLUR,
    CHANNELS,
    EVEN,
    POOL,
    ROW,
    SIDE,
    by_channel,
    filled,
    in_blocks,
    merged,
    phases,
    summed,
    tri,
    turned,
)


class Network(nn.Module):
    """A convolution, an activation, and a reduction that may read weights of the network."""

    def __init__(self, reduce: Callable[["Network", Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, CHANNELS, 3, padding=1)
        self.two = nn.Parameter(torch.randn(CHANNELS, CHANNELS, 2, 2))
        self.one = nn.Parameter(torch.randn(CHANNELS, CHANNELS, 1, 1))
        self.pair = nn.Conv2d(2 * CHANNELS, CHANNELS, 3, padding=1)
        self.mix = nn.Parameter(torch.randn(SIDE * SIDE, 64))
        self.queries = nn.Parameter(torch.randn(64, CHANNELS))
        self.dense_head = nn.Parameter(torch.randn(10, CHANNELS * SIDE * SIDE))
        self.frozen = nn.Parameter(BLUR.clone(), requires_grad=False)
        self.dense = nn.Buffer(torch.diag_embed(BLUR[:, 0].permute(1, 2, 0)).permute(2, 3, 0, 1))
        self.reduce = reduce

    def forward(self, x: Tensor) -> Tensor:
        return self.reduce(self, F.relu(self.stem(x)))


def found(reduce: Callable[[Network, Tensor], Tensor]) -> list[tuple[bool | None, bool]]:
    graph = trace(Network(reduce).eval(), (3, SIDE, SIDE))
    candidate = Candidate(graph, profile(graph))
    reductions = [r for r in graph.reductions or () if not r.exempt]
    unknown = any(r.filtered is None for r in reductions)
    antialiased = None if unknown else all(r.filtered for r in reductions)
    assert AntialiasedDownsampling()(candidate).ok is antialiased
    assert StridedPointwise()(candidate).ok is not any(r.skips for r in reductions)
    return [(reduction.filtered, reduction.skips) for reduction in reductions]


def with_two(n: Network) -> Tensor:
    return n.two.reshape(CHANNELS, 4 * CHANNELS, 1, 1)


GROUPS: Mapping[
    str, tuple[list[tuple[bool, bool]], dict[str, Callable[[Network, Tensor], Tensor]]]
] = {
    "a learned 2x2 at stride 2: aliased": (
        [(False, False)],
        {
            "conv2d": lambda n, x: F.conv2d(x, n.two, stride=2),
            "pixel_unshuffle and 1x1": lambda n, x: F.conv2d(F.pixel_unshuffle(x, 2), with_two(n)),
            "slices, concatenated": lambda n, x: F.conv2d(torch.cat(phases(x), 1), with_two(n)),
            "slices after an activation": lambda n, x: F.conv2d(
                torch.cat([F.silu(phase) for phase in phases(x)], 1), with_two(n)
            ),
            "patch merging": lambda n, x: merged(x) @ with_two(n).flatten(1).T,
            "unfold and a product": lambda n, x: n.two.flatten(1) @ F.unfold(x, 2, stride=2),
            "space to depth in place": lambda n, x: F.conv2d(filled(x), with_two(n)),
            "a sum over slices": lambda n, x: summed(
                F.conv2d(phase, n.two[..., i // 2, i % 2, None, None])
                for i, phase in enumerate(phases(x))
            ),
            "einsum": lambda n, x: torch.einsum("bchiwj,ocij->bohw", in_blocks(x), n.two),
        },
    ),
    "every second sample: aliased, and samples are lost": (
        [(False, True)],
        {
            "conv2d 1x1": lambda n, x: F.conv2d(x, n.one, stride=2),
            "slice": lambda n, x: F.conv2d(x[..., ::2, ::2], n.one),
            "index": lambda n, x: F.conv2d(x[:, :, EVEN][..., EVEN], n.one),
            "index_select": lambda n, x: x.index_select(2, EVEN).index_select(3, EVEN),
            "reshape and pick": lambda n, x: in_blocks(x)[:, :, :, 0, :, 0],
            "tokens": lambda n, x: x.flatten(2)[..., (EVEN[:, None] * SIDE + EVEN).flatten()],
            "gather": lambda n, x: (
                x.gather(2, EVEN[:, None].expand(1, CHANNELS, 8, SIDE))[..., ::2]
            ),
            "unbind": lambda n, x: in_blocks(x).unbind(5)[0].unbind(3)[0],
            "as_strided": lambda n, x: x.as_strided((1, CHANNELS, 8, 8), (2048, 256, 32, 2)),
            "nearest": lambda n, x: F.interpolate(x, scale_factor=0.5),
            "max_pool of one": lambda n, x: F.avg_pool2d(x, 1, 2),
        },
    ),
    "maximum of 2x2: aliased": (
        [(False, False)],
        {
            "max_pool2d": lambda n, x: F.max_pool2d(x, 2),
            "reshape and amax": lambda n, x: in_blocks(x).amax((3, 5)),
            "maximum of slices": lambda n, x: torch.maximum(
                torch.maximum(*phases(x)[:2]), torch.maximum(*phases(x)[2:])
            ),
            "unfold and amax": lambda n, x: (
                F.unfold(x, 2, stride=2).view(1, CHANNELS, 4, -1).amax(2)
            ),
            "Tensor.unfold": lambda n, x: x.unfold(2, 2, 2).unfold(3, 2, 2).amax((4, 5)),
        },
    ),
    "mean of 2x2, which is Rect-2: filtered": (
        [(True, False)],
        {
            "avg_pool2d": lambda n, x: F.avg_pool2d(x, 2),
            "bilinear 0.5": lambda n, x: F.interpolate(x, scale_factor=0.5, mode="bilinear"),
            "reshape and mean": lambda n, x: in_blocks(x).mean((3, 5)),
            "adaptive": lambda n, x: F.adaptive_avg_pool2d(x, 8),
            "area": lambda n, x: F.interpolate(x, scale_factor=0.5, mode="area"),
            "a sum of slices": lambda n, x: summed(phases(x)) / 4,
            "unfold": lambda n, x: F.unfold(x, 2, stride=2).view(1, CHANNELS, 4, -1).mean(2),
            "fixed matrices": lambda n, x: POOL @ x @ POOL.T,
            "einsum": lambda n, x: torch.einsum("ih,bchw,jw->bcij", POOL, x, POOL),
            "pixel_unshuffle and mean": lambda n, x: (
                F.pixel_unshuffle(x, 2).view(1, CHANNELS, 4, 8, 8).mean(2)
            ),
            "then a learned 1x1": lambda n, x: F.conv2d(in_blocks(x).mean((3, 5)), n.one),
        },
    ),
    "Tri-3 at stride 2: filtered": (
        [(True, False)],
        {
            "depthwise": lambda n, x: F.conv2d(x, BLUR, stride=2, padding=1, groups=CHANNELS),
            "frozen": lambda n, x: F.conv2d(x, n.frozen, stride=2, padding=1, groups=CHANNELS),
            "dense": lambda n, x: F.conv2d(x, n.dense, stride=2, padding=1),
            "separable": lambda n, x: F.conv2d(
                F.conv2d(x, ROW, stride=(1, 2), padding=(0, 1), groups=CHANNELS),
                ROW.mT, stride=(2, 1), padding=(1, 0), groups=CHANNELS,
            ),
            "blur, then slice": lambda n, x: (
                F.conv2d(x, BLUR, padding=1, groups=CHANNELS)[..., ::2, ::2]
            ),
            "blur, then a strided 1x1": lambda n, x: F.conv2d(
                F.conv2d(x, BLUR, padding=1, groups=CHANNELS), n.one, stride=2
            ),
            "two means of two": lambda n, x: F.avg_pool2d(
                F.avg_pool2d(F.pad(x, (1, 0, 1, 0)), 2, 1), 2, 1, 1
            )[..., :SIDE:2, :SIDE:2],
        },
    ),
    "nothing is dropped: no reduction": (
        [],
        {
            "channel shuffle": lambda n, x: F.channel_shuffle(x, 2),
            "rotary embedding": lambda n, x: turned(x),
            "space to depth": lambda n, x: torch.cat(phases(x), 1),
            "windows": lambda n, x: in_blocks(x).permute(0, 2, 4, 3, 5, 1).flatten(0, 2),
            "global mean": lambda n, x: x.mean((2, 3)),
            "crop": lambda n, x: x[..., 2:-2, 2:-2],
            "valid convolution": lambda n, x: F.conv2d(x, n.two),
            "channels by halves": lambda n, x: x[:, ::2] + x[:, 1::2],
            "there and back": lambda n, x: F.pixel_shuffle(F.pixel_unshuffle(x, 2), 2),
        },
    ),
}  # fmt: skip
CASES = [
    pytest.param(expected, reduce, id=f"{group}: {name}")
    for group, (expected, notations) in GROUPS.items()
    for name, reduce in notations.items()
]


@pytest.mark.parametrize(("expected", "reduce"), CASES)
def test_one_function_has_one_verdict_in_every_notation(
    expected: list[tuple[bool, bool]], reduce: Callable[[Network, Tensor], Tensor]
) -> None:
    assert found(reduce) == expected


CORNER = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
HAAR = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(CHANNELS, 1, 1, 1) / 2


@pytest.mark.parametrize(
    ("expected", "reduce"),
    [
        # Half of what the learned layer reads is aliased, whichever half comes first.
        ((False, False), lambda n, x: n.pair(torch.cat([F.avg_pool2d(x, 2), x[..., ::2, ::2]], 1))),
        ((False, False), lambda n, x: n.pair(torch.cat([x[..., ::2, ::2], F.avg_pool2d(x, 2)], 1))),
        # A filter that passes the highest frequency along both axes, and blocks all others.
        ((False, False), lambda n, x: F.conv2d(x, HAAR, stride=2, groups=CHANNELS)),
        # Columns picked one by one, and put together.
        ((False, True), lambda n, x: torch.stack(x.unbind(3)[::2], 3)),
        ((False, True), lambda n, x: torch.cat(x.chunk(SIDE, 3)[1::2], 3)),
        # Each channel keeps one of four samples, all of them together show every place.
        ((False, True), lambda n, x: by_channel(x)),
        # A mask leaves one number of each window.
        ((False, True), lambda n, x: F.conv2d(x, n.two * CORNER, stride=2)),
        # A global mean after an aliased reduction does not filter it.
        ((False, False), lambda n, x: F.conv2d(x, n.two, stride=2).mean((2, 3))),
        ((False, True), lambda n, x: torch.view_as_complex(
            x.view(1, CHANNELS // 2, 2, SIDE, SIDE).movedim(2, -1).contiguous()
        ).real[:, :, ::2]),
    ],
)  # fmt: skip
def test_what_hides_an_aliased_reduction_is_seen(
    expected: tuple[bool, bool], reduce: Callable[[Network, Tensor], Tensor]
) -> None:
    assert found(reduce) == [expected]


GRID = F.affine_grid(torch.eye(2, 3)[None], [1, CHANNELS, 8, 8], align_corners=False)


@pytest.mark.parametrize(
    "reduce",
    [
        lambda n, x: F.grid_sample(x, GRID, mode="nearest", align_corners=False),
        lambda n, x: F.max_pool3d(x[:, :, None], (1, 2, 2))[:, :, 0],
    ],
)
def test_what_cannot_be_followed_to_a_smaller_map_is_not_judged(
    reduce: Callable[[Network, Tensor], Tensor],
) -> None:
    assert found(reduce) == [(None, False)]


def test_a_network_of_volumes_gets_a_verdict() -> None:
    volumes = nn.Conv3d(CHANNELS, CHANNELS, (1, 3, 3), (1, 2, 2), (0, 1, 1))
    network = call(
        lambda x, a, b: b(a(x).relu()[:, :, None]).mean((2, 3, 4)), a=conv(3, CHANNELS), b=volumes
    )
    assert trace(network, (3, SIDE, SIDE)).reductions is not None


def test_positions_mixed_into_fewer_are_aliased_or_not_judged_and_nothing_of_it_is_silent() -> None:
    """Learned weights guarantee nothing; weights of attention depend on the image."""

    def learned(n: Network, x: Tensor) -> Tensor:
        return F.conv2d((x.flatten(2) @ n.mix).view(1, CHANNELS, 8, 8), n.two)

    def pooled(n: Network, x: Tensor) -> Tensor:
        tokens = x.flatten(2)
        weights = (n.queries @ tokens).softmax(-1)
        return F.conv2d((tokens @ weights.mT).view(1, CHANNELS, 8, 8), n.two)

    def to_vector(n: Network, x: Tensor) -> Tensor:
        return F.linear(x.flatten(1), n.dense_head)

    def widened(n: Network, x: Tensor) -> Tensor:
        return (x.flatten(2) @ torch.cat((n.mix, n.mix, n.mix, n.mix, n.mix), 1)).relu()

    assert found(learned) == [(False, False)]
    assert found(pooled) == [(None, False)]
    assert found(to_vector) == [] and found(widened) == []


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([nn.AvgPool2d(2), nn.AvgPool2d(2)], [True, True]),
        ([conv(8, 8, 3, 2), nn.BatchNorm2d(8), conv(8, 8, 3, 2)], [False, False]),
        ([conv(8, 8, 3, 2, 8), conv(8, 8, 1)], [False]),
        ([conv(8, 8), call(lambda x: x[..., ::2, ::2])], [False]),
        ([nn.MaxPool2d(3, 1, 1), call(tri), conv(8, 8, 1, 2)], [True]),
        ([nn.Upsample(scale_factor=2), conv(8, 8, 3, 2)], [False]),
        ([call(lambda x: x[..., torch.randperm(16)[:8].sort().values])], [False]),
    ],
)
def test_pieces_of_several_reductions_are_told_apart(
    parts: list[nn.Module], expected: list[bool]
) -> None:
    graph = trace(nn.Sequential(conv(3, 8), nn.ReLU(), *parts), (3, SIDE, SIDE))
    judged: list[Reduction] = [r for r in graph.reductions or () if not r.exempt]
    assert [r.filtered for r in judged] == expected


def test_what_the_image_picks_is_not_judged() -> None:
    def pick(x: Tensor) -> Tensor:
        tokens = x.flatten(2)
        best = tokens.mean(1).topk(SIDE * SIDE // 4).indices
        return tokens.gather(2, best[:, None].expand(1, CHANNELS, -1))

    graph = trace(nn.Sequential(conv(3, 8), nn.ReLU(), call(pick)), (3, SIDE, SIDE))
    verdict = AntialiasedDownsampling()(Candidate(graph, profile(graph)))
    assert verdict.ok is None and "depends on the image" in verdict.reason
