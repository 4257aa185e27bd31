from typing import Any

import pytest
import torch
from torch import nn

from gensynth.genome import Decision, Decisions
from gensynth.graph.graph import Graph
from gensynth.space import Replay, Task, build
from search_spaces.attendnext import AttendNeXt
from search_spaces.attendnext.genome import AttendNeXtGenome

DIGITS = Task(channels=1, height=8, width=8, classes=10)
IMAGENET = Task(channels=3, height=224, width=224, classes=1000)
SPACE = AttendNeXt()


def tiny(**changes: Decision) -> AttendNeXtGenome:
    """Return the tiny preset with some of its decisions changed."""
    return SPACE.sample(Replay({**SPACE.presets["tiny"], **changes}))


def stage(changes: Decisions) -> AttendNeXtGenome:
    """Return a network of one stage of two blocks of 4 columns, some decisions changed."""
    usual: dict[str, Decision] = {
        "width": 4,
        "depth": 2,
        "stride": 1,
        "attention": "none",
        "place": "first",
    }
    more: dict[str, Decision] = {
        "condense": 2,
        "pool": "max_blur",
        "block2.kernel": 3,
        "block2.inner": 1.0,
    }
    settings = {**usual, **more, **changes}
    decisions = {f"stage1.{name}": option for name, option in settings.items()}
    return tiny(**{"stages": 1, "gate": "sigmoid", **decisions})


def test_parts_have_the_published_sizes() -> None:
    graph = SPACE.graph(SPACE.sample(Replay(SPACE.presets["ref659"])), IMAGENET)
    parts = ("stem", "stages.0", "stages.1", "stages.2", "stages.3", "head")
    sizes = [parameters_below(graph, part) for part in parts]
    assert sizes == [3_296, 15_360, 91_476, 1_933_184, 1_853_304, 745_000]


def parameters_below(graph: Graph, part: str) -> int:
    return sum(layer.parameters for layer in graph if f"{layer.name}.".startswith(f"{part}."))


def test_blocks_have_their_closed_forms() -> None:
    """Facts of the released family, four columns: 9 cin c/4 + 9 c c/4 + cin c + 6 c and kin."""
    cin, c = 8, 16
    basic: Decisions = {"columns": 4, "width": 4, "attention": "released"}
    graph = SPACE.graph(stage(basic), DIGITS)
    assert (
        parameters_below(graph, "stages.0.0") == 9 * cin * c // 4 + 9 * c * c // 4 + cin * c + 6 * c
    )
    assert parameters_below(graph, "stages.0.1") == 18 * c * c // 4 + 4 * c
    w = 16
    graph = SPACE.graph(stage({**basic, "branch": "bottleneck", "interaction": "every"}), DIGITS)
    gated = cin * w + 9 * w * w // 4 + 2 * w * w + 2 * cin * w + 12 * w
    assert parameters_below(graph, "stages.0.0") == gated
    assert parameters_below(graph, "stages.0.1") == 4 * w * w + 9 * w * w // 4 + 8 * w
    graph = SPACE.graph(stage({**basic, "attention": "text"}), DIGITS)
    text = 9 * cin * c // 4 + 2 * c * c + cin * c + 8 * c
    assert parameters_below(graph, "stages.0.0") == text


@pytest.mark.parametrize("branch", ["basic", "bottleneck"])
@pytest.mark.parametrize("mix", ["same", "kernels", "widths"])
def test_columns_without_interaction_do_not_see_each_other(branch: str, mix: str) -> None:
    network = build(
        SPACE, stage({"interaction": "none", "mix": mix, "branch": branch}), DIGITS
    ).eval()
    reach = reach_of_inputs(network, DIGITS)
    narrow, outputs = (
        (reach.shape[0] // 8 if mix == "widths" else reach.shape[0] // 4),
        reach.shape[0],
    )
    assert not reach[:narrow, 2:].any() and not reach[outputs - narrow :, :6].any()
    assert reach[:narrow, :2].any() and reach[outputs - narrow :, 6:].any()


def reach_of_inputs(network: nn.Module, task: Task) -> torch.Tensor:
    """Return which output channel (row) of stage 1 reads which channel (column) of the stem."""
    stages = network.get_submodule("stages.0")
    x = torch.randn(1, 8, task.height, task.width)
    changed = []
    for channel in range(8):
        other = x.clone()
        other[:, channel] += 1
        changed.append((stages(other) - stages(x)).abs().amax((0, 2, 3)) > 0)
    return torch.stack(changed, dim=1)


@pytest.mark.parametrize("mix", ["same", "kernels", "widths"])
@pytest.mark.parametrize("interaction", ["entry", "every"])
def test_columns_that_interact_see_each_other(interaction: str, mix: str) -> None:
    network = build(SPACE, stage({"interaction": interaction, "mix": mix}), DIGITS).eval()
    assert reach_of_inputs(network, DIGITS).all()


def test_columns_differ_where_the_genome_says_so() -> None:
    convs = [
        layer for layer in SPACE.graph(stage({"mix": "kernels"}), DIGITS) if layer.kind == "conv"
    ]
    assert {layer.kernel for layer in convs} == {(1, 1), (3, 3), (5, 5)}
    convs = [
        layer for layer in SPACE.graph(stage({"mix": "widths"}), DIGITS) if "bundles" in layer.name
    ]
    assert {layer.shape[0] // layer.groups for layer in convs} == {2, 6}


@pytest.mark.parametrize(
    ("down", "aliased"),
    [
        ("rect2", False),
        ("tri3", False),
        ("bin5", False),
        ("max", True),
        ("strided_3x3", True),
        ("strided_1x1", True),
    ],
)
def test_each_down_sampling_halves_and_tells_the_graph_how(down: str, aliased: bool) -> None:
    graph = SPACE.graph(stage({"stride": 2, "down": down}), Task(1, 16, 16, 2))
    strided = [layer for layer in graph if layer.stride == (2, 2)]
    assert {layer.shape[1:] for layer in strided} == {(8, 8)}
    assert any(layer.nyquist is None for layer in strided) == aliased
    pointwise = [layer for layer in strided if layer.kernel == (1, 1)]
    assert bool(pointwise) == (down == "strided_1x1")


@pytest.mark.parametrize(
    ("stride", "condense", "inside"), [(1, 1, 16), (1, 2, 8), (1, 4, 4), (2, 1, 8), (2, 4, 4)]
)
def test_text_attention_runs_condensed(stride: int, condense: int, inside: int) -> None:
    genome = stage({"attention": "text", "stride": stride, "condense": condense, "place": "every"})
    graph = SPACE.graph(genome, Task(1, 16, 16, 2))
    block = [layer for layer in graph if layer.name.startswith("stages.0.0")]
    assert {layer.shape[1:] for layer in block if layer.kind == "conv"} == {(inside, inside)}
    assert block[-1].shape[1:] == (16 // stride, 16 // stride)


def test_features_come_from_every_stage() -> None:
    network: Any = build(SPACE, tiny(), DIGITS)
    maps = network.forward_features(torch.randn(2, 1, 8, 8))
    assert [tuple(map_.shape) for map_ in maps] == [(2, 12, 4, 4), (2, 16, 2, 2)]
