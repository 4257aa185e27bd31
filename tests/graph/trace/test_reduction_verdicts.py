"""Any filter before any subsampling, judged as by an oracle that only runs the two."""

from collections.abc import Callable, Mapping

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.graph.trace.test_sampling import found
from tests.support.notations import (
    CHANNELS,
    EVEN,
    SIDE,
    assigned,
    in_blocks,
    integral,
    met_halfway,
    tri,
)

Reduce = Callable[[Tensor], Tensor]


def box(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, 1, 1)


def sharp(x: Tensor) -> Tensor:
    return 2 * x - tri(x)


FILTERS: Mapping[str, Reduce] = {
    "none": lambda x: x,
    "box": box,
    "tri": tri,
    "sharp": sharp,
    "shifted mean": lambda x: (x + x.roll(1, 2) + x.roll(1, 3) + x.roll((1, 1), (2, 3))) / 4,
    "rows only": lambda x: (x + x.roll(1, 2)) / 2,
    "scaled": lambda x: tri(x) * 3,
    "flipped": lambda x: box(x).flip(2),
    "blend": lambda x: 0.5 * tri(x) + 0.5 * box(x),
}
STEPS: Mapping[str, Reduce] = {
    "slice": lambda x: x[..., ::2, ::2],
    "odd slice": lambda x: x[..., 1::2, 1::2],
    "index": lambda x: x[:, :, EVEN][..., EVEN],
    "reshape": lambda x: in_blocks(x)[:, :, :, 1, :, 0],
    "mean": lambda x: F.avg_pool2d(x, 2),
    "blocks": lambda x: in_blocks(x).mean((3, 5)),
    "bilinear": lambda x: F.interpolate(x, scale_factor=0.5, mode="bilinear"),
    "nearest": lambda x: F.interpolate(x, scale_factor=0.5),
    "fours": lambda x: x[..., ::4, ::4],
    "means of four": lambda x: F.avg_pool2d(x, 4),
    "overlapping": lambda x: F.avg_pool2d(x, 3, 2, 1),
}


def oracle(run: Reduce) -> tuple[bool, bool]:
    """Return whether a reduction filters and skips, by running it on patterns and single dots."""
    ones = torch.ones(1, CHANNELS, SIDE, SIDE, dtype=torch.float32)
    sign = 1 - 2 * (torch.arange(SIDE) % 2).float()
    zero = run(ones)
    inside = (..., slice(1, -1), slice(1, -1))
    worst = max(
        float((run(ones * pattern)[inside].abs() / zero[inside].abs()).max())
        for pattern in (sign, sign[:, None])
    )
    dots = torch.eye(SIDE * SIDE).view(SIDE * SIDE, 1, SIDE, SIDE).expand(-1, CHANNELS, -1, -1)
    seen = torch.stack([run(dot[None]).abs().sum() for dot in dots]).view(SIDE, SIDE) > 1e-6
    step = SIDE // zero.shape[-1]
    first = [int(seen.any(axis).nonzero()[0]) for axis in (1, 0)]
    middle = seen[first[0] : SIDE - step, first[1] : SIDE - step]
    skips = not bool(middle.all())
    return worst <= 1 / 3 + 1e-3 and not skips, skips


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(sorted(FILTERS)), st.sampled_from(sorted(STEPS)))
def test_any_filter_before_any_subsampling_is_judged_as_the_oracle_judges_it(
    before: str, step: str
) -> None:
    def run(x: Tensor) -> Tensor:
        if x.shape[0] != 1:
            x = x[:1]
        y = FILTERS[before](x)
        made: Tensor = in_blocks(y)[:, :, :, 1, :, 0] if step == "reshape" else STEPS[step](y)
        return made

    assert found(lambda n, x: run(x)) == [oracle(run)]


COLUMNS = torch.arange(SIDE) % 2 == 0
LINEAR: Mapping[str, Reduce] = {
    "lerp of four slices": met_halfway,
    "lerp of two slices": lambda x: torch.lerp(x[..., ::2, ::2], x[..., 1::2, 1::2], 0.5),
    "integral image": integral,
    "rows assigned one by one": assigned,
    "mask, then mean": lambda x: F.avg_pool2d(x * COLUMNS, 2),
    "filled, then mean": lambda x: F.avg_pool2d(x.masked_fill(~COLUMNS, 0.0), 2),
    "replaced, then mean": lambda x: F.avg_pool2d(torch.where(COLUMNS, x, torch.zeros(())), 2),
    "replaced by its mean": lambda x: F.avg_pool2d(torch.where(COLUMNS, x, tri(x)), 2),
    "slice of a slice": lambda x: x[..., ::2, ::2][..., ::2, ::2],
    "take_along_dim": lambda x: x.take_along_dim(EVEN[None, None, :, None], 2).take_along_dim(
        EVEN[None, None, None], 3
    ),
    "turned, then mean": lambda x: F.avg_pool2d(x.rot90(1, (2, 3)), 2),
    "as_strided blocks": lambda x: (
        x.contiguous().as_strided((1, CHANNELS, 8, 8, 2, 2), (2048, 256, 32, 2, 16, 1)).mean((4, 5))
    ),
    "unshuffled channels": lambda x: F.pixel_unshuffle(x, 2).view(1, CHANNELS, 4, 8, 8).mean(2),
    "one unshuffled channel": lambda x: F.pixel_unshuffle(x, 2)[:, ::4],
    "einsum of blocks": lambda x: torch.einsum("bchiwj->bchw", in_blocks(x)) / 4,
    "weighted einsum": lambda x: torch.einsum(
        "bchiwj,ij->bchw", in_blocks(x), torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    ),
    "bicubic": lambda x: F.interpolate(x, scale_factor=0.5, mode="bicubic"),
}


@pytest.mark.parametrize("name", LINEAR)
def test_a_linear_notation_is_judged_as_the_oracle_judges_it(name: str) -> None:
    run = LINEAR[name]
    assert found(lambda n, x: run(x)) == [oracle(run)]


@pytest.mark.parametrize(
    "reduce",
    [
        lambda x: x.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4).sort(-1).values[..., 0],
        lambda x: x.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4).kthvalue(2, -1).values,
        lambda x: x.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4).topk(2, -1).values.mean(-1),
    ],
)
def test_what_sorts_samples_acts_like_a_maximum(reduce: Reduce) -> None:
    assert found(lambda n, x: reduce(x)) == [(False, False)]


@pytest.mark.parametrize(
    "bend",
    [
        lambda tokens: F.glu(tokens.repeat(1, 1, 2), -1),
        lambda tokens: tokens.sort(-1).values,
        lambda tokens: tokens.topk(4, -1).values,
        lambda tokens: tokens.cumprod(1),
    ],
)
def test_what_picks_among_channels_keeps_the_places_of_tokens(bend: Reduce) -> None:
    def run(x: Tensor) -> Tensor:
        return bend(x.flatten(2).transpose(1, 2))[:, ::2]

    assert found(lambda n, x: run(x)) == [(False, True)]


@pytest.mark.parametrize(
    "reduce",
    [
        lambda x: F.avg_pool2d(x.exp() * x, 2) / F.avg_pool2d(x.exp(), 2),
        lambda x: F.avg_pool2d(x.exp() * x, 2) * F.avg_pool2d(x.exp(), 2).reciprocal(),
        lambda x: (lambda w: (w.softmax(-1) * w).sum(-1))(
            in_blocks(x).permute(0, 1, 2, 4, 3, 5).flatten(4)
        ),
        lambda x: x.masked_select(COLUMNS & COLUMNS[:, None]).view(1, CHANNELS, 8, 8),
        lambda x: torch.zeros(1, CHANNELS, 64).index_add(2, torch.arange(256) // 4, x.flatten(2)),
    ],
)
def test_samples_weighed_by_what_the_image_shows_are_not_judged(reduce: Reduce) -> None:
    assert found(lambda n, x: reduce(x))[-1] == (None, False)


@pytest.mark.parametrize(
    "reduce",
    [
        lambda x: F.avg_pool2d(x * x.mean(1, keepdim=True).sigmoid(), 2),
        lambda x: F.normalize(F.avg_pool2d(x, 2), dim=1),
        lambda x: F.avg_pool2d(x / (1 + x.mean()), 2),
    ],
)
def test_gates_and_norms_beside_a_mean_leave_it_filtered(reduce: Reduce) -> None:
    assert found(lambda n, x: reduce(x)) == [(True, False)]


@pytest.mark.parametrize(
    ("twice", "expected"),
    [
        (lambda x: integral(integral(x, 16), 8), [True, True]),
        (lambda x: tri(F.avg_pool2d(x, 2))[..., ::2, ::2], [True, True]),
        (lambda x: tri(x[..., ::2, ::2])[..., ::2, ::2], [False, True]),
        (lambda x: F.avg_pool2d(x, 2).flip(2)[..., ::2, ::2], [True, False]),
        (lambda x: F.avg_pool2d(x, 2)[..., ::2, ::2] + F.avg_pool2d(x, 4), [True, False, True]),
    ],
)
def test_a_second_filter_in_a_row_is_seen_before_what_it_prepares(
    twice: Reduce, expected: list[bool]
) -> None:
    assert [filtered for filtered, _ in found(lambda n, x: twice(x))] == expected
