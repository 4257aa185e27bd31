"""Products of activations: attention that keeps a map, and attention that pools it."""

from collections.abc import Callable

import pytest
import torch.nn.functional as F
from torch import Tensor

from tests.graph.trace.test_sampling import Network, found


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
