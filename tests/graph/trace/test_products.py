"""Products of activations: attention that keeps a map, and attention that pools it."""

from collections.abc import Callable

import pytest
import torch.nn.functional as F
from torch import Tensor, nn

from tests.graph.trace.test_sampling import Network, found
from tests.support.notations import CHANNELS, in_blocks


def tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


def attend(query: Tensor, key: Tensor) -> Tensor:
    return (query @ key.mT).softmax(-1) @ key


def pooled(n: Network, x: Tensor) -> Tensor:
    return attend(n.queries[None], tokens(x))


@pytest.mark.parametrize(
    "reduce",
    [
        pooled,
        lambda n, x: (pooled(n, x) @ n.one[..., 0, 0]).relu().mean(1),
        lambda n, x: F.conv2d(x, n.one).flatten(2).sigmoid() @ tokens(x),
        lambda n, x: F.scaled_dot_product_attention(
            n.queries[None, None], tokens(x)[:, None], tokens(x)[:, None]
        ),
        lambda n, x: attend(pooled(n, x), pooled(n, x)).relu(),
    ],
)
def test_a_map_that_attention_pools_into_fewer_tokens_is_not_judged(
    reduce: Callable[[Network, Tensor], Tensor],
) -> None:
    assert [filtered for filtered, _ in found(reduce)] == [None]


def in_windows(x: Tensor) -> Tensor:
    return in_blocks(x).permute(0, 2, 4, 3, 5, 1).reshape(64, 4, CHANNELS)


@pytest.mark.parametrize(
    "reduce",
    [
        lambda n, x: attend(n.queries[:1].expand(64, 1, -1), in_windows(x)),
        lambda n, x: (in_windows(x) @ n.queries[0]).softmax(-1)[:, None] @ in_windows(x),
        lambda n, x: F.scaled_dot_product_attention(
            n.queries[None, None, :1].expand(64, 1, -1, -1),
            in_windows(x)[:, None],
            in_windows(x)[:, None],
        ),
    ],
)
def test_windows_that_attention_pools_are_not_judged(
    reduce: Callable[[Network, Tensor], Tensor],
) -> None:
    assert found(reduce) == [(None, False)]


@pytest.mark.parametrize(
    "reduce",
    [
        lambda n, x: attend(n.queries[None, :1], tokens(x)),  # One token, as a global mean.
        lambda n, x: attend(tokens(x), tokens(x)),
        lambda n, x: attend(x.flatten(2), x.flatten(2)),  # Among channels.
        lambda n, x: tokens(x).softmax(-1) @ (tokens(x).softmax(1).mT @ tokens(x)),  # Linear.
        lambda n, x: attend(tokens(x), pooled(n, x)),  # Keys were pooled, queries were not.
        lambda n, x: x.flatten(2) @ x.flatten(2).mT,  # Second-order statistics.
    ],
)
def test_attention_that_keeps_the_map_or_ends_it_is_no_reduction(
    reduce: Callable[[Network, Tensor], Tensor],
) -> None:
    assert found(reduce) == []


@pytest.mark.parametrize(
    ("expected", "pool"),
    [
        ((True, False), lambda x: F.avg_pool2d(x, 2)),
        ((False, False), lambda x: F.max_pool2d(x, 2)),
        ((False, True), lambda x: x[..., ::2, ::2]),
    ],
)
def test_pooled_queries_are_judged_by_what_pools_them(
    expected: tuple[bool, bool], pool: Callable[[Tensor], Tensor]
) -> None:
    assert found(lambda n, x: attend(tokens(pool(x)), tokens(x))) == [expected]


def test_a_recurrent_layer_keeps_the_places_of_its_steps() -> None:
    rows = nn.LSTM(CHANNELS, 8, batch_first=True, bidirectional=True)

    def run(x: Tensor, step: int) -> Tensor:
        made: Tensor = rows(tokens(x))[0]
        return made[:, ::step]

    assert found(lambda n, x: run(x, 1)) == []
    assert found(lambda n, x: run(x, 2)) == [(False, True)]
    assert found(lambda n, x: rows(tokens(x))[1][0]) == [], "the last state knows all steps"
