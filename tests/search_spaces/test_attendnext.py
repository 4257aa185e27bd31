from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gensynth.errors import InputError
from gensynth.genome import Decision, from_json, to_json
from gensynth.graph.trace import trace
from gensynth.serialization import dumps, from_plain
from gensynth.space import Draw, Recording, Replay, Source, Task, build
from search_spaces.attendnext import AttendNeXt
from search_spaces.attendnext.genome import AttendNeXtGenome
from search_spaces.attendnext.presets import PRESETS

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


def draws(
    space: AttendNeXt, count: int, seed: int = 0
) -> Iterator[tuple[Recording, AttendNeXtGenome]]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        record = Recording(Draw(rng))
        yield record, space.sample(record)


def tiny(**changes: Decision) -> AttendNeXtGenome:
    """Return the tiny preset with some of its decisions changed."""
    return SPACE.sample(Replay({**SPACE.presets["tiny"], **changes}))


def test_decisions_and_json_give_the_genome_back() -> None:
    for record, genome in draws(SPACE, 300):
        assert SPACE.sample(Replay(record.decisions)) == genome
        assert from_json(AttendNeXtGenome, to_json(genome, "attendnext", 1), 1) == genome


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


@pytest.mark.parametrize("name", list(SPACE.presets))
def test_the_direct_graph_of_a_preset_is_the_traced_one(name: str) -> None:
    genome, task = SPACE.sample(Replay(SPACE.presets[name])), Task(3, 64, 64, 10)
    shape = SPACE.source(genome, task).input_shape
    assert SPACE.graph(genome, task) == trace(build(SPACE, genome, task), shape)


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


def test_a_list_of_one_option_is_not_asked() -> None:
    space = replace(SPACE, resolutions=(1.0,), kernels=(3,))
    for record, genome in draws(space, 20, seed=5):
        assert not any("kernel" in name or name == "resolution" for name in record.decisions)
        assert genome.stem.kernel == 3


def test_a_narrower_space_keeps_the_presets_that_it_can_express() -> None:
    assert set(SPACE.presets) == set(PRESETS)
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


@pytest.mark.parametrize(
    ("part", "value", "place"),
    [
        ('"columns":4', '"columns":3', "stages[0].columns"),
        ('"kernel":3,"stride":1,"width":8', '"kernel":2,"stride":1,"width":8', "stem.kernel"),
        ('"condense":1', '"condense":3', "stages[0].condense"),
        ('"resolution":1.0', '"resolution":-1.0', "resolution"),
        ('"gate":"sigmoid"', '"gate":"sigmiod"', "gate"),
    ],
)
def test_a_genome_that_cannot_be_built_is_refused(part: str, value: str, place: str) -> None:
    text = to_json(tiny(), "attendnext", 1)
    assert part in text
    with pytest.raises(InputError) as caught:
        from_json(AttendNeXtGenome, text.replace(part, value), 1, "file")
    assert caught.value.place == f"file: genome.{place}"
