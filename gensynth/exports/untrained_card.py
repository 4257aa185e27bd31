"""The card of a network that nobody trained: what it is and costs, and what it does not know."""

import json
from typing import TYPE_CHECKING

from gensynth.exports.card_lines import table_of, versions
from gensynth.formats.real_inputs import RealInputs
from gensynth.genome import genome_id
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from gensynth.models.by_name import Sourced

if TYPE_CHECKING:
    from torch import nn


def untrained_card(sourced: Sourced, network: "nn.Module", inputs: RealInputs) -> str:
    """Write the card, in Markdown; `network` is the one whose weights leave, in any mode."""
    shape = sourced.source.input_shape
    costs = profile(trace(network, shape))
    facts = {
        "Genome": genome_id(json.loads(sourced.genome_json)["genome"]),
        "Input": f"(N, {', '.join(map(str, shape))}), float32",
        "Classes": f"{sourced.source.spec['classes']:,}"
        if "classes" in sourced.source.spec
        else "",
        "Parameters": f"{costs.params:,}",
        "MACs (conv + linear)": f"{costs.macs:,}",
        "Weight bytes (float32)": f"{costs.weight_bytes:,}",
        "Peak activation bytes": f"{costs.peak_activation_bytes:,}",
        "Versions": versions("gensynth", "torch"),
    }
    lines = [f"# {sourced.space}", "", "Fresh weights: this network was not trained.", ""]
    lines += [
        f"Its batch normalisations hold statistics of {inputs.calibration_origin}; how images"
    ]
    lines += [
        "are to be normalised is for its training to say.",
        "",
        *table_of(facts),
    ]
    return "\n".join(lines) + "\n"
