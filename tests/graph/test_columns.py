from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from gensynth.graph.columns import Columns, analyse, describe_columns
from gensynth.graph.graph import Graph
from gensynth.graph.trace import trace
from tests.support.networks import (
    FunctionalResNet,
    Residual,
    basic,
    bottleneck,
    call,
    columnar,
    conv,
    head,
    in_branches,
    inverted,
    mobilenet,
    on_slices,
    resnet,
    shuffled,
)

SHAPE = (3, 32, 32)


def graph_of(*middle: nn.Module, width: int = 16) -> Graph:
    """Put parts between a stem of `width` channels and a head."""
    probe = nn.Sequential(conv(3, width, 3, 2), nn.ReLU(), *middle)
    channels = probe(torch.zeros(2, *SHAPE)).shape[1]
    return trace(nn.Sequential(*probe, *head(channels)), SHAPE)


def columns_of(*middle: nn.Module, width: int = 16) -> Columns:
    return analyse(graph_of(*middle, width=width))


def names(graph: Graph, rows: tuple[int, ...]) -> list[str]:
    return [graph.label(row) for row in rows]


def inside(columns: Columns) -> float:
    """Return the share in columns without the stem's convolution, which is 3 -> 16, 3x3."""
    stem = 3 * 16 * 9 * 16 * 16
    total = sum(stage.spatial_macs for stage in columns.stages) - stem
    return sum(stage.column_macs for stage in columns.stages) / total


@settings(deadline=None, max_examples=12)
@given(st.sampled_from([2, 4, 8]), st.integers(1, 3))
def test_grouped_convolutions_are_as_many_columns_as_groups(groups: int, depth: int) -> None:
    columns = columns_of(*[conv(16, 16, 3, 1, groups) for _ in range(depth)])
    assert inside(columns) == 1 and columns.stages[0].columns == groups


def test_one_column_is_none() -> None:
    columns = analyse(trace(resnet(), SHAPE))
    assert columns.share == 0 and [stage.columns for stage in columns.stages] == [1, 1]
    assert all(not stage.entry_interactions for stage in columns.stages)


@pytest.mark.parametrize("join", ["cat", "add"])
def test_parallel_branches_are_columns(join: str) -> None:
    branches = [nn.Sequential(conv(16, 8, kernel), nn.ReLU(), conv(8, 8)) for kernel in (3, 5, 3)]
    graph = graph_of(in_branches(*branches, join=join))
    columns = analyse(graph)
    assert inside(columns) == 1 and columns.stages[0].columns == 3
    met = ["2"] if join == "add" else []
    assert names(graph, columns.stages[0].entry_interactions) == met


def test_grouped_convolutions_and_convolutions_on_slices_are_the_same_columns() -> None:
    together = columns_of(conv(16, 16, 3, 1, 4), nn.ReLU(), conv(16, 16, 3, 1, 4))
    column = [nn.Sequential(conv(4, 4), nn.ReLU(), conv(4, 4)) for _ in range(4)]
    apart = columns_of(on_slices(*column))
    layer_by_layer = columns_of(
        on_slices(*[conv(4, 4) for _ in range(4)]), on_slices(*[conv(4, 4) for _ in range(4)])
    )
    assert inside(together) == inside(apart) == inside(layer_by_layer) == 1
    assert {c.stages[0].columns for c in (together, apart, layer_by_layer)} == {4}


def test_columns_may_differ_in_width_and_kernel() -> None:
    def run(x: Tensor, wide: nn.Module, narrow: nn.Module) -> Tensor:
        return torch.cat([wide(x[:, :10]), narrow(x[:, 10:])], 1)

    columns = columns_of(call(run, wide=conv(10, 12, 5), narrow=conv(6, 4, 3)))
    assert inside(columns) == 1 and columns.stages[0].columns == 2


@pytest.mark.parametrize(
    "parts",
    [
        [conv(16, 16, 3, 1, 16)],
        [conv(16, 16, 3, 1, 16), conv(16, 16, 1)],
        [inverted(16), inverted(16)],
        [on_slices(*[conv(8, 8, kernel, 1, 8) for kernel in (3, 5)]), conv(16, 16, 1)],
    ],
    ids=["alone", "separable", "inverted", "mixed kernels"],
)
def test_depthwise_convolutions_alone_are_no_columns(parts: list[nn.Module]) -> None:
    columns = columns_of(*parts)
    assert columns.share == 0 and all(stage.columns == 1 for stage in columns.stages)


def test_depthwise_convolutions_between_grouped_ones_lie_in_columns() -> None:
    columns = columns_of(inverted(16, groups=4))
    assert inside(columns) == 1 and columns.stages[0].columns == 4


def test_a_shortcut_beside_a_branch_is_no_column() -> None:
    block = Residual(nn.Sequential(conv(16, 24), nn.ReLU(), conv(24, 24)), conv(16, 24, 1))
    assert columns_of(block).share == 0


def test_a_separable_shortcut_beside_a_branch_is_no_column() -> None:
    separable = nn.Sequential(conv(16, 16, 3, 1, 16), conv(16, 24, 1))
    assert columns_of(Residual(nn.Sequential(conv(16, 24), conv(24, 24)), separable)).share == 0


def test_separable_columns_begin_where_they_see_what_they_mixed() -> None:
    def separable() -> list[nn.Module]:
        return [conv(8, 8, 3, 1, 8), conv(8, 8, 1)]

    one, two = (
        columns_of(on_slices(*[nn.Sequential(*separable() * depth) for _ in range(2)]))
        for depth in (1, 2)
    )
    assert inside(one) == 0 and inside(two) == 1


def test_a_dense_pointwise_convolution_lets_columns_interact() -> None:
    graph = graph_of(conv(16, 16, 3, 1, 4), conv(16, 16, 1), conv(16, 16, 3, 1, 4))
    (stage,) = analyse(graph).stages
    assert names(graph, stage.entry_interactions + stage.later_interactions) == ["3"]


def test_grouped_pointwise_convolutions_do_not_until_a_shuffle() -> None:
    parts = conv(16, 16, 3, 1, 4), conv(16, 16, 1, 1, 4), conv(16, 16, 3, 1, 4)
    assert not any(s.later_interactions for s in columns_of(*parts).stages)
    shuffle = call(lambda x: shuffled(x, 4))
    graph = graph_of(parts[0], shuffle, parts[2])
    (stage,) = analyse(graph).stages
    assert names(graph, stage.later_interactions) == ["4"]
    assert stage.columns == 4 and inside(analyse(graph)) == 1


def test_squeeze_and_excitation_lets_columns_interact() -> None:
    def run(x: Tensor, squeeze: nn.Module, excite: nn.Module) -> Tensor:
        return x * torch.sigmoid(excite(F.relu(squeeze(x.mean((2, 3), keepdim=True)))))

    attention = call(run, squeeze=conv(16, 4, 1), excite=conv(4, 16, 1))
    graph = graph_of(conv(16, 16, 3, 1, 4), attention, conv(16, 16, 3, 1, 4))
    (stage,) = analyse(graph).stages
    assert names(graph, stage.later_interactions) == ["3.parts.squeeze"]


@pytest.mark.parametrize(
    "between",
    [nn.BatchNorm2d(16), nn.Softmax(1), nn.Hardswish(), nn.AvgPool2d(2), nn.MaxPool2d(3, 1, 1)],
)
def test_what_keeps_channels_apart_is_no_interaction(between: nn.Module) -> None:
    columns = columns_of(conv(16, 16, 3, 1, 4), between, conv(16, 16, 3, 1, 4))
    assert inside(columns) == 1
    assert not any(s.later_interactions + s.entry_interactions for s in columns.stages)


def test_stages_follow_the_size_of_maps_and_know_their_entry_block() -> None:
    graph = trace(columnar(blocks=3), SHAPE)
    columns = analyse(graph)
    assert [stage.size for stage in columns.stages] == [(16, 16)]
    assert columns.first is columns.stages[0]
    assert columns.first.later_interactions == () and columns.first.columns == 4
    assert names(graph, columns.single) == ["0.0"], "the stem"


def test_mixing_in_a_later_block_is_told_from_mixing_at_the_entry() -> None:
    graph = graph_of(bottleneck(16, 4, 8), bottleneck(16, 4, 8))
    first = analyse(graph).first
    assert first is not None
    assert names(graph, first.entry_interactions) == ["2.branch.4.0"]
    assert names(graph, first.later_interactions) == ["3.branch.4.0"]


def test_a_block_that_condenses_inside_stays_in_its_stage() -> None:
    def run(x: Tensor, inner: nn.Module, beside: nn.Module) -> Tensor:
        small = F.avg_pool2d(x, 2)
        return F.interpolate(torch.sigmoid(inner(small)) * beside(small), scale_factor=2)

    block = call(run, inner=conv(16, 16, 3, 1, 4), beside=conv(16, 16, 1))
    columns = columns_of(block, basic(16, 16, 1, 4))
    assert [stage.size for stage in columns.stages] == [(16, 16)]


def test_a_block_that_reduces_inside_belongs_to_the_stage_it_leads_to() -> None:
    graph = graph_of(basic(16, 16, 1, 4), basic(16, 32, 2, 4))
    sizes = [stage.size for stage in analyse(graph).stages]
    assert sizes == [(16, 16), (8, 8)]
    assert names(graph, analyse(graph).stages[1].entry_interactions) == ["3.shortcut.0"]


def test_functional_calls_count_as_modules_do() -> None:
    model = resnet()
    assert analyse(trace(FunctionalResNet(model), SHAPE)) == analyse(trace(model, SHAPE))


@pytest.mark.parametrize("make", [resnet, columnar, mobilenet])
def test_spatial_macs_are_all_there(make: Callable[[], nn.Module]) -> None:
    graph = trace(make(), SHAPE)
    spatial = sum(r.macs for r in graph if r.kind == "conv" and max(r.kernel) > 1)
    assert sum(stage.spatial_macs for stage in analyse(graph).stages) == spatial


def test_a_network_without_spatial_convolutions_has_no_stages() -> None:
    columns = analyse(trace(nn.Sequential(nn.Flatten(), nn.Linear(48, 3)), (3, 4, 4)))
    assert columns == Columns((), None, ()) and columns.share == 0


def test_the_description_has_a_line_for_each_stage() -> None:
    stem, inner = 3 * 16 * 9 * 256, 16 * 4 * 9 * 256
    share = f"{inner / (stem + inner):.0%} of 258.0 k spatial MACs in columns"
    (mixed,) = describe_columns(graph_of(conv(16, 16, 3, 1, 4), conv(16, 16, 1)))
    assert mixed == f"16x16: 4 columns, {share}; columns interact at 3"
    (apart,) = describe_columns(graph_of(conv(16, 16, 3, 1, 4)))
    assert apart == f"16x16: 4 columns, {share}, without interaction"
    (dense,) = describe_columns(graph_of(conv(16, 16)))
    assert dense == "16x16: no parallel columns, 700.4 k spatial MACs"


def test_the_description_names_a_few_interactions_and_counts_the_others() -> None:
    (line,) = describe_columns(graph_of(*[bottleneck(16, 4, 8) for _ in range(9)]))
    assert "interact at 2.branch.4.0 (entry), 3.branch.4.0, " in line
    assert line.endswith("7.branch.4.0 and 3 more")


def test_large_counts_are_told_in_millions() -> None:
    (line,) = describe_columns(trace(conv(64, 64), (64, 32, 32)))
    assert line == "32x32: no parallel columns, 37.7 M spatial MACs"
