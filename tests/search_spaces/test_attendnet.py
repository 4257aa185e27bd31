from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gensynth.errors import InputError
from gensynth.exports.export_folder import write_folder
from gensynth.genome import from_json, to_json
from gensynth.graph.trace import trace
from gensynth.models.exported import load_folder
from gensynth.serialization import from_plain
from gensynth.space import Draw, Recording, Replay, Task, build
from search_spaces.attendnet import AttendNet
from search_spaces.attendnet_spec import AttendNetGenome

DIGITS = Task(channels=1, height=8, width=8, classes=10)
TASKS = (DIGITS, Task(3, 32, 32, 7), Task(3, 33, 27, 5))
SPACE = AttendNet()


def draws(count: int, seed: int = 0) -> Iterator[tuple[Recording, AttendNetGenome]]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        record = Recording(Draw(rng))
        yield record, SPACE.sample(record)


def prototype() -> AttendNetGenome:
    return SPACE.sample(Replay(SPACE.presets["prototype"]))


def test_decisions_and_json_give_the_genome_back() -> None:
    for record, genome in draws(100):
        assert SPACE.sample(Replay(record.decisions)) == genome
        assert from_json(AttendNetGenome, to_json(genome, "attendnet", 1), 1) == genome


def test_any_genome_builds_learns_and_has_the_graph_that_is_traced() -> None:
    for i, (_, genome) in enumerate(draws(30)):
        task = TASKS[i % len(TASKS)]
        network = build(SPACE, replace(genome, gate="sigmoid"), task)
        logits = network(torch.randn(4, task.channels, task.height, task.width))
        assert logits.shape == (4, task.classes)
        logits.logsumexp(1).sum().backward()
        assert all(parameter.grad is not None for parameter in network.parameters())
        shape = (task.channels, task.height, task.width)
        assert SPACE.graph(genome, task) == trace(build(SPACE, genome, task), shape)


def test_blocks_have_their_closed_form() -> None:
    genome = prototype()
    bare = replace(genome, stages=tuple(replace(s, attention="none") for s in genome.stages))
    graph = SPACE.graph(bare, DIGITS)
    first = [layer for layer in graph if layer.name.startswith("stages.1.0.")]
    i, o = 16, 32
    assert sum(layer.parameters for layer in first) == 9 * i + i * o + 2 * i + 2 * o


def test_no_stride_leaves_less_than_two_pixels() -> None:
    for _, genome in draws(100, seed=1):
        for layer in SPACE.graph(genome, DIGITS):
            assert layer.kind not in ("norm", "pool") or min(layer.shape[1:]) >= 2


def test_the_prototype_is_exported_and_read_back(tmp_path: Path) -> None:
    source = SPACE.source(prototype(), DIGITS)
    weights = build(SPACE, prototype(), DIGITS).state_dict()
    write_folder(tmp_path / "best", "attendnet", source, weights, "{}", "")
    text = (tmp_path / "best" / "attendnet.py").read_text()
    assert "class VisualAttentionCondenser" in text and "SqueezeExcitation" not in text
    assert load_folder(tmp_path / "best")(torch.rand(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize("table", [{"widths": [1]}, {"downs": ["conv"]}, {"condense": [3]}])
def test_a_table_that_cannot_be_built_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        from_plain(AttendNet, table, "space")
    assert next(iter(table)) in caught.value.place
