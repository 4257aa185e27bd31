from typing import Any

import pytest
import torch
from torch import nn

from gensynth.graph.columns import stage_reports
from gensynth.graph.gates import is_gate, readers_of
from gensynth.graph.trace import trace
from gensynth.space import Replay, Task
from search_spaces.attendnext import AttendNeXt
from search_spaces.condensers import ATTENTIONS, GATES
from tests.support.networks import call, conv, head


def gated(attention: nn.Module) -> nn.Module:
    """Put an attention between two convolutions in four columns."""
    grouped = [conv(16, 16, 3, 1, 4) for _ in range(2)]
    return nn.Sequential(conv(3, 16, 3, 2), grouped[0], attention, grouped[1], *head(16))


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize(
    ("kind", "layer"),
    [("ac", "2.embed.relate.conv"), ("vac", "2.embed.spatial.conv"), ("se", "2.squeeze")],
)
def test_a_gate_that_sees_all_channels_lets_columns_interact(
    kind: str, layer: str, gate: str
) -> None:
    attention = ATTENTIONS[kind](16, 2, "max_blur", gate, "relu")
    (stage,) = stage_reports(trace(gated(attention), (3, 32, 32)))
    assert [(met.layer, met.gate) for met in stage.interactions] == [(layer, True)]
    assert stage.columns == 4
    line = str(stage)
    assert f"columns interact at {layer} (" in line and line.endswith("gate)")


@pytest.mark.parametrize("attention", ["text", "released", "ac", "vac", "se"])
@pytest.mark.parametrize("interaction", ["none", "every"])
def test_condensers_of_the_space_interact_as_their_stage_says(
    attention: str, interaction: str
) -> None:
    """AC, VAC and SE see all channels by their nature; DC-AC mixes where the genome says so."""
    space = AttendNeXt(attentions=("none", "text", "released", "ac", "vac", "se"))
    changes: dict[str, Any] = {
        "stages": 1,
        "gate": "sigmoid",
        "stage1.columns": 4,
        "stage1.width": 4,
        "stage1.depth": 2,
        "stage1.stride": 1,
        "stage1.attention": attention,
        "stage1.place": "last",
        "stage1.interaction": interaction,
        "stage1.condense": 2,
        "stage1.pool": "max_blur",
        "stage1.block2.kernel": 3,
        "stage1.block2.inner": 1.0,
    }
    genome = space.sample(Replay({**space.presets["tiny"], **changes}))
    stages = stage_reports(space.graph(genome, Task(1, 16, 16, 10)))
    met = [i for stage in stages for i in stage.interactions if "stages.0.1" in i.layer]
    by_nature = attention in ("ac", "vac", "se")
    assert any(i.gate for i in met) == (by_nature or (interaction, attention) == ("every", "text"))
    assert bool(met) == (by_nature or interaction == "every")


def test_what_gates_itself_or_is_added_is_no_gate() -> None:
    networks = {
        "swish": call(lambda x, one: one(x) * torch.sigmoid(one(x)), one=conv(4, 4, 1)),
        "of itself": nn.Sequential(conv(4, 4, 1), ATTENTIONS["se"](4, 1, "", "sigmoid", "relu")),
        "added": call(lambda x, one: x + torch.sigmoid(one(x)), one=conv(4, 4, 1)),
        "unbounded": call(lambda x, one: x * one(x), one=conv(4, 4, 1)),
        "output": call(lambda x, one: torch.sigmoid(one(x)), one=conv(4, 4, 1)),
    }
    for name, network in networks.items():
        graph = trace(network, (4, 8, 8))
        row = next(i for i, layer in enumerate(graph) if layer.kind == "conv")
        assert not is_gate(graph, row, readers_of(graph)), name
