"""Any filter before any subsampling, judged as by an oracle that only runs the two."""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.graph.trace.test_sampling import found
from tests.support.notations import CHANNELS, EVEN, SIDE, in_blocks, tri

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
