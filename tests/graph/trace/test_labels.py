from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gensynth.graph.graph import Graph
from gensynth.graph.trace import trace
from gensynth.graph.trace.labels import Route
from tests.support.networks import call

CHANNELS = 8
SHAPE = (CHANNELS, 4, 6)


def traced(run: Callable[[Tensor], Tensor]) -> Graph:
    return trace(call(run), SHAPE)


def sources(graph: Graph, row: int) -> list[int | None]:
    """Follow routes back: which channel of the image each channel of `row` shows; None = none."""
    layer = graph.layers[row]
    if layer.kind == "input":
        return list(range(CHANNELS))
    before = [sources(graph, j) for j in layer.inputs]
    assert layer.route is not None
    if not layer.route:
        return before[0]
    found: list[int | None] = []
    for place, start, stop in layer.route:
        found += [None] * (stop - start) if place < 0 else before[place][start:stop]
    return found


def moved(run: Callable[[Tensor], Tensor]) -> list[int | None]:
    graph = traced(run)
    return sources(graph, len(graph) - 1)


def written_in(first: Tensor, start: int) -> Tensor:
    y = torch.zeros_like(first)
    y[:, start:] = first[:, : CHANNELS - start]
    return y * 1


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (lambda x: x[:, 2:5], [2, 3, 4]),
        (lambda x: x[:, ::3], [0, 3, 6]),
        (lambda x: x.flip(1), [7, 6, 5, 4, 3, 2, 1, 0]),
        (lambda x: torch.cat([x[:, 6:], x[:, :2]], 1), [6, 7, 0, 1]),
        (lambda x: x.permute(0, 2, 3, 1), list(range(8))),
        (lambda x: x.permute(0, 2, 3, 1).roll(1, 3).permute(0, 3, 1, 2), [7, *range(7)]),
        (lambda x: x.flatten(2).transpose(1, 2)[..., 3:], [3, 4, 5, 6, 7]),
        (lambda x: x.reshape(1, 2, 4, 4, 6).transpose(1, 2).reshape(1, 8, 4, 6)[:, :3], [0, 4, 1]),
        (lambda x: x.view(1, 4, 2, 4, 6)[:, :, 1], [1, 3, 5, 7]),
        (lambda x: x.unbind(1)[3][:, None], [3]),
        (lambda x: x[:, [5, 0]], [5, 0]),
        (lambda x: torch.nn.functional.pad(x, (0, 0, 0, 0, 2, 0)), [None, None, *range(8)]),
        (lambda x: x[:, :3].repeat(1, 2, 1, 1), [0, 1, 2, 0, 1, 2]),
        (lambda x: x[:, :1].expand(1, 3, 4, 6), [0, 0, 0]),
        (lambda x: x[:, 4:].mean((2, 3)), [4, 5, 6, 7]),
        (lambda x: written_in(x, 5), [None] * 5 + [0, 1, 2]),
    ],
)
def test_moves_tell_where_channels_come_from(
    run: Callable[[Tensor], Tensor], expected: list[int | None]
) -> None:
    assert moved(run) == expected


@settings(deadline=None, max_examples=25)
@given(st.permutations(range(CHANNELS)), st.sampled_from([1, 2, 4]))
def test_any_rearrangement_is_found(order: list[int], groups: int) -> None:
    def run(x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        x = x[:, order].view(n, groups, c // groups, h, w).transpose(1, 2)
        return x.reshape(n, c, h, w)

    numbers = torch.arange(CHANNELS).reshape(1, -1, 1, 1).expand(1, *SHAPE)
    assert moved(run) == run(numbers)[0, :, 0, 0].tolist()


@pytest.mark.parametrize(
    "run",
    [
        lambda x: x.reshape(1, 4, 2, 4, 6).sum(2),
        lambda x: x.mean(1, keepdim=True),
        lambda x: torch.cat([x, x.relu()], 2),
        lambda x: x.flatten(1),
    ],
)
def test_what_mixes_channels_beyond_telling_says_so(run: Callable[[Tensor], Tensor]) -> None:
    routes: list[Route] = [layer.route for layer in traced(run)]
    assert routes[-1] is None


def test_a_change_in_place_is_seen_through_every_view_of_the_memory() -> None:
    def run(x: Tensor) -> Tensor:
        y = x * 2
        untouched, changed = y.chunk(2, 1)
        changed.relu_()
        return torch.cat([untouched, y], 1)

    graph = traced(run)
    operators = [layer.op for layer in graph]
    assert operators.count("write") == 1, "the half that was not touched is not written"
    write = graph.layers[operators.index("write")]
    assert write.route == ((0, 0, 4), (1, 0, 4))
    assert graph.layers[-1].inputs == (operators.index("split"), operators.index("write"))


def test_a_tensor_without_numbers_is_no_error() -> None:
    """As of a detector that finds nothing."""

    def run(x: Tensor) -> list[Tensor]:
        boxes = x.flatten(2)[:, :, x.flatten(2).mean((0, 1)) > 9]
        return [x.mean((2, 3)), boxes, boxes.transpose(1, 2).relu(), x[:0], x[:0].sum(1)]

    assert trace(call(run), SHAPE).unknown == ()
