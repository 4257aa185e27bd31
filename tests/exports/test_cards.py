from gensynth.exports.card_words import share_of, table_of
from gensynth.exports.cards import untrained_card
from gensynth.formats.real_inputs import noise
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from gensynth.models.by_name import find_genome
from gensynth.space import Task, build_source

TASK = Task(channels=1, height=8, width=8, classes=10)


def test_the_card_of_a_preset_has_the_costs_of_its_network() -> None:
    found = find_genome("attendnext:tiny", TASK)
    costs = profile(trace(build_source(found.source), found.source.input_shape))
    card = untrained_card(found, noise(found.source.input_shape))
    assert card.startswith("# attendnext\n") and "was not trained" in card
    for name, value in (
        ("Parameters", costs.params),
        ("MACs (conv + linear)", costs.macs),
        ("Weight bytes (float32)", costs.weight_bytes),
        ("Peak activation bytes", costs.peak_activation_bytes),
        ("Classes", 10),
    ):
        assert f"| {name} | {value:,} |" in card


def test_what_is_empty_is_left_out() -> None:
    assert table_of({"a": 1, "b": ""})[2:] == ["| a | 1 |"]
    assert share_of(1) == "" and share_of(0.5) == "0.5 of "
