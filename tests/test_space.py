from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gensynth.errors import InputError
from gensynth.graph.graph import Graph
from gensynth.space import (
    Choose,
    Draw,
    GivesGraph,
    Recording,
    Replay,
    Source,
    Task,
    build,
    build_source,
    enumerate_decisions,
)
from tests.support.toy_space import ToyGenome, ToySpace

TASK = Task(channels=1, height=8, width=8, classes=10)


def drawn(seed: int) -> tuple[ToyGenome, Recording]:
    record = Recording(Draw(np.random.default_rng(seed)))
    return ToySpace().sample(record), record


@given(st.integers(0, 2**32))
def test_recorded_decisions_replay_to_the_same_genome(seed: int) -> None:
    genome, record = drawn(seed)
    assert ToySpace().sample(Replay(record.decisions)) == genome


def test_inactive_decisions_are_never_asked() -> None:
    genome, record = drawn(0)
    strides = [name for name in record.decisions if name.startswith("stride")]
    assert strides == ([f"stride.{genome.depth}"] if genome.depth < 3 else [])


def test_a_decision_asked_twice_has_one_answer() -> None:
    record = Recording(Draw(np.random.default_rng(1)))
    options = tuple(range(1000))
    assert record("a", options) == record("a", options)


def test_replay_refuses_a_missing_decision_and_a_wrong_option() -> None:
    with pytest.raises(InputError, match="depth: decision is missing"):
        ToySpace().sample(Replay({"width": 8}))
    with pytest.raises(InputError, match="width: 7 is not an option"):
        ToySpace().sample(Replay({"width": 7}))
    with pytest.raises(InputError, match="width: True is not an option"):
        Replay({"width": True})("width", (1, 2))


def test_a_lenient_replay_passes_on_what_is_not_an_option() -> None:
    replay = Replay({"width": 7, "depth": 3}, otherwise=Replay({"width": 8}), lenient=True)
    assert replay("width", (8, 16)) == 8 and replay("depth", (1, 3)) == 3
    with pytest.raises(InputError, match="width: 7 is not an option"):
        Replay({"width": 7}, otherwise=Replay({"width": 8}))("width", (8, 16))


def test_replay_passes_on_what_was_left_out() -> None:
    forgotten = Replay({"width": 8, "depth": 3}, otherwise=Replay({"depth": 1}))
    assert ToySpace().sample(forgotten) == ToyGenome(8, 3, 1)


def test_enumeration_reaches_every_genome_once() -> None:
    space = ToySpace(widths=(2, 4))
    decisions = list(enumerate_decisions(space))
    genomes = [space.sample(Replay(d)) for d in decisions]
    assert len(genomes) == 2 * (2 + 2 + 1) == len(set(genomes))
    assert list(enumerate_decisions(space, limit=3)) == decisions[:3]


def test_enumeration_of_a_space_without_decisions_is_one_empty_sequence() -> None:
    class Fixed:
        def sample(self, choose: Choose, /) -> int:
            return 1

    assert list(enumerate_decisions(Fixed())) == [{}]


def test_two_builds_share_no_module() -> None:
    genome = ToyGenome(4, 2, 1)
    first, second = (build(ToySpace(), genome, TASK) for _ in range(2))
    assert not {id(m) for m in first.modules()} & {id(m) for m in second.modules()}
    assert first(torch.zeros(3, 1, 8, 8)).shape == (3, 10)


def test_draw_is_uniform_over_the_options() -> None:
    draw = Draw(np.random.default_rng(0))
    options: Sequence[str] = ("a", "b", "c")
    counts = np.bincount([options.index(draw("x", options)) for _ in range(3000)])
    assert counts.min() > 900


def test_a_source_that_names_a_former_module_is_built() -> None:
    spec = {"name": "test_resnet", "classes": 10, "channels": 1}
    former, present = (
        build_source(Source(module, spec, (1, 8, 8)))
        for module in ("gensynth.peers", "gensynth.models.timm_models")
    )
    assert [*former.state_dict()] == [*present.state_dict()]


def test_only_a_space_with_a_graph_method_gives_graphs() -> None:
    class Drawing(ToySpace):
        def graph(self, genome: ToyGenome, task: Task) -> Graph:
            return Graph(())

    assert isinstance(Drawing(), GivesGraph)
    assert not isinstance(ToySpace(), GivesGraph)
