"""Variants of a network for ablations: each builds, and differs in what its name says alone."""

import pytest
import torch

from experiments.results.attendnext_cifar10.variants import CHANGES
from gensynth.space import Replay, Task, build
from search_spaces.attendnext import AttendNeXt

SPACE, TASK = AttendNeXt(), Task(3, 64, 64, 10)
FAST = SPACE.sample(Replay(SPACE.presets["fast"]))


@pytest.mark.parametrize("name", CHANGES)
def test_a_variant_computes(name: str) -> None:
    genome = CHANGES[name](FAST)
    shape = SPACE.source(genome, TASK).input_shape
    logits = build(SPACE, genome, TASK).eval()(torch.zeros(1, *shape))
    assert logits.shape == (1, 10)
    itself = {"resolution_32": "it takes 32 pixels", "with_dcac": "it attends everywhere"}
    assert (genome == FAST) == (name in itself)


def test_variants_change_what_they_say() -> None:
    kinds = {name: CHANGES[name](FAST) for name in CHANGES}
    assert all(s.attention == "none" for s in kinds["without_dcac"].stages)
    attending = CHANGES["with_dcac"](kinds["without_dcac"])
    assert all(s.attention == "text" for s in attending.stages)
    assert all(s.columns == 1 for s in kinds["one_column"].stages)
    assert [s.columns * s.width for s in kinds["one_column"].stages] == [64, 128]
    assert all(s.down == "strided_3x3" for s in kinds["aliased"].stages)
    assert kinds["double"].stem.width == 2 * FAST.stem.width
    assert [s.columns for s in kinds["double"].stages] == [s.columns for s in FAST.stages]
    assert kinds["resolution_64"].stages == FAST.stages
