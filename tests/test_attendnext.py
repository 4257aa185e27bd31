from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gensynth.errors import InputError
from gensynth.genome import Decision, Decisions, from_json, to_json
from gensynth.graph import Graph
from gensynth.plain import dumps, from_plain
from gensynth.space import Draw, Record, Replay, Source, Task, build
from gensynth.trace import trace
from search_spaces.attendnext import AttendNeXt
from search_spaces.attendnext_genome import Genome

DIGITS = Task(channels=1, height=8, width=8, classes=10)
IMAGENET = Task(channels=3, height=224, width=224, classes=1000)
TASKS = (DIGITS, Task(3, 32, 32, 7), Task(3, 33, 27, 5), Task(1, 5, 9, 2))
SPACE = AttendNeXt()
SMALL = AttendNeXt(
    widths=(2, 3, 5, 8),
    depths=(1, 2, 4),
    kernels=(3, 5, 7),
    attentions=("none", "text", "released", "ac", "vac", "se"),
    activations=("relu", "silu", "hardswish", "relu6"),
    gates=("sigmoid", "hard_sigmoid", "softmax", "softmax_c"),
)


def draws(space: AttendNeXt, count: int, seed: int = 0) -> Iterator[tuple[Record, Genome]]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        record = Record(Draw(rng))
        yield record, space.sample(record)


def tiny(**changes: Decision) -> Genome:
    """Give the tiny preset with some of its decisions changed."""
    return SPACE.sample(Replay({**SPACE.presets["tiny"], **changes}))


def stage(changes: Decisions) -> Genome:
    """Give a network of one stage of two blocks of 4 columns, some decisions changed."""
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


def test_decisions_and_json_give_the_genome_back() -> None:
    for record, genome in draws(SPACE, 300):
        assert SPACE.sample(Replay(record.decisions)) == genome
        assert from_json(Genome, to_json(genome, "attendnext", 1), 1) == genome


def test_a_decision_has_the_same_options_everywhere() -> None:
    known: dict[str, tuple[Any, ...]] = {}
    for record, _ in draws(SPACE, 300):
        for name, options in record.options.items():
            assert known.setdefault(name, options) == options


def test_any_genome_builds_runs_and_learns_on_any_task() -> None:
    for i, (_, genome) in enumerate(draws(SMALL, 40)):
        task = TASKS[i % len(TASKS)]
        shape = SMALL.source(genome, task).input_shape
        network = build(SMALL, genome, task)
        logits = network(torch.randn(3, *shape))
        assert logits.shape == (3, task.classes)
        logits.square().sum().backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name


def test_every_parameter_of_a_smooth_network_is_moved() -> None:
    for _, genome in draws(SMALL, 20, seed=1):
        network = build(SMALL, replace(genome, activation="silu", gate="sigmoid"), DIGITS)
        nn.functional.cross_entropy(network(torch.randn(8, 1, 8, 8)), torch.arange(8)).backward()  # type: ignore[no-untyped-call]
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None and parameter.grad.any(), name


def test_two_builds_share_nothing_and_one_seed_gives_one_network() -> None:
    for _, genome in draws(SMALL, 5, seed=2):
        networks = []
        for _ in range(2):
            torch.manual_seed(0)
            networks.append(build(SMALL, genome, DIGITS))
        first, second = networks
        assert not {id(m) for m in first.modules()} & {id(m) for m in second.modules()}
        for a, b in zip(first.parameters(), second.parameters(), strict=True):
            assert a is not b and torch.equal(a, b)


def test_the_direct_graph_is_the_traced_one() -> None:
    for i, (_, genome) in enumerate(draws(SMALL, 50, seed=3)):
        task = TASKS[i % len(TASKS)]
        shape = SMALL.source(genome, task).input_shape
        traced = trace(build(SMALL, genome, task), shape)
        for direct_row, row in zip(SMALL.graph(genome, task), traced, strict=True):
            assert direct_row == row


@pytest.mark.parametrize("name", ["xa325", "ref659", "prototype", "tiny"])
def test_the_direct_graph_of_a_preset_is_the_traced_one(name: str) -> None:
    genome, task = SPACE.sample(Replay(SPACE.presets[name])), Task(3, 64, 64, 10)
    assert SPACE.graph(genome, task) == trace(build(SPACE, genome, task), (3, 64, 64))


@pytest.mark.parametrize(
    ("name", "params", "macs_m"),
    [
        ("xa325", 2_376_600, 319.7),
        ("ref659", 4_641_620, 652.6),
        ("prototype", 4_963_920, 628.6),
    ],
)
def test_presets_have_the_published_size(name: str, params: int, macs_m: float) -> None:
    genome = SPACE.sample(Replay(SPACE.presets[name]))
    graph = SPACE.graph(genome, IMAGENET)
    assert sum(layer.parameters for layer in graph) == params
    assert round(sum(layer.macs for layer in graph) / 1e6, 1) == macs_m
    with torch.device("meta"):
        network = build(SPACE, genome, IMAGENET)
    assert sum(p.numel() for p in network.parameters()) == params


def test_the_tiny_preset_is_tiny() -> None:
    graph = SPACE.graph(tiny(), DIGITS)
    assert sum(layer.parameters for layer in graph) == 2_262
    assert sum(layer.macs for layer in graph) == 19_744


def test_one_class_makes_the_head_small() -> None:
    genome = SPACE.sample(Replay(SPACE.presets["xa325"]))
    graph = SPACE.graph(genome, replace(IMAGENET, classes=1))
    assert sum(layer.parameters for layer in graph) == 1_632_345


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


def test_no_stride_leaves_less_than_the_smallest_map() -> None:
    for smallest in (2, 3, 5):
        space = replace(SMALL, smallest_map=smallest)
        for _, genome in draws(space, 60, seed=4):
            for layer in space.graph(genome, DIGITS):
                assert layer.kind not in ("norm", "pool") or min(layer.shape[1:]) >= smallest


def test_a_resolution_is_a_share_of_the_images_but_never_tiny() -> None:
    half = replace(tiny(), resolution=0.5)
    assert SPACE.source(half, Task(3, 64, 48, 2)).input_shape == (3, 32, 24)
    assert SPACE.source(half, Task(3, 12, 8, 2)).input_shape == (3, 8, 8)


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
    """Tell which output channel (row) of stage 1 depends on which channel (column) of the stem."""
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


def test_a_list_of_one_option_is_not_asked() -> None:
    space = replace(SPACE, resolutions=(1.0,), kernels=(3,))
    for record, genome in draws(space, 20, seed=5):
        assert not any("kernel" in name or name == "resolution" for name in record.decisions)
        assert genome.stem.kernel == 3


def test_a_narrower_space_keeps_the_presets_that_it_can_express() -> None:
    assert set(SPACE.presets) == {"xa325", "ref659", "prototype", "tiny"}
    narrow = replace(SPACE, widths=(2, 3, 4), depths=(1, 2), stem_widths=(8,), prototype="tiny")
    assert set(narrow.presets) == {"tiny", "prototype"}
    tiny_genome = SPACE.sample(Replay(SPACE.presets["tiny"]))
    assert narrow.sample(Replay(narrow.presets["prototype"])) == tiny_genome


def test_a_start_outside_of_the_lists_is_brought_to_the_nearest_options() -> None:
    narrow = replace(SPACE, stages=(1, 2), widths=(2, 8, 24), depths=(1, 2), activations=("relu",))
    genome = narrow.sample(Replay(narrow.presets["prototype"]))
    assert [stage.width for stage in genome.stages] == [8, 24]
    assert [len(stage.blocks) for stage in genome.stages] == [2, 2]


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ({"widths": []}, "widths"),
        ({"widths": [4, 4]}, "widths"),
        ({"widths": [1]}, "widths"),
        ({"stages": [0]}, "stages"),
        ({"columns": [3]}, "columns"),
        ({"kernels": [2]}, "kernels"),
        ({"downs": ["rect3"]}, "downs[0]"),
        ({"smallest_map": 1}, "smallest_map"),
        ({"inners": [0.0]}, "inners"),
        ({"colums": [2]}, "colums"),
    ],
)
def test_a_table_that_cannot_be_built_is_refused(table: dict[str, Any], place: str) -> None:
    with pytest.raises(InputError) as caught:
        from_plain(AttendNeXt, table, "space")
    assert caught.value.place == f"space.{place}"


def test_a_source_is_plain_data() -> None:
    for _, genome in draws(SPACE, 20, seed=6):
        source = SPACE.source(genome, DIGITS)
        assert from_plain(Source, {**vars(source)}, "source") == source
        assert dumps(source) and prod(source.input_shape) > 0
