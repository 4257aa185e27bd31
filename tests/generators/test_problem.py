from gensynth.generators.problem import are_numbers, sample_decisions
from gensynth.genome import Decisions
from gensynth.space import Replay
from tests.support.synthetic import Synthetic


def test_sampled_decisions_come_with_their_options() -> None:
    decisions: Decisions = {
        "activation": "relu",
        "depth": 1,
        "stage0.kind": "plain",
        "stage0.width": 8,
    }
    record = sample_decisions(Synthetic(), Replay(decisions))
    assert record.decisions == decisions
    assert record.options["depth"] == (1, 2, 3)


def test_words_and_truth_values_are_no_numbers() -> None:
    assert are_numbers((1, 2.5)) and are_numbers(())
    assert not are_numbers((1, "2")) and not are_numbers((True, False))
