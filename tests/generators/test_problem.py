from gensynth.generators.problem import are_numbers, fitness, sample_decisions
from gensynth.generators.protocol import Proposal
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


def test_feasible_beats_infeasible_beats_crashed() -> None:
    problem = Synthetic(floor=80.0)
    small: Decisions = {"activation": "silu", "depth": 1, "stage0.kind": "plain", "stage0.width": 8}
    stage0: Decisions = {"stage0.kind": "columnar", "stage0.width": 64}
    stage1: Decisions = {"stage1.kind": "gated", "stage1.width": 32, "stage1.gate": "sigmoid"}
    good: Decisions = {"activation": "silu", "depth": 2, **stage0, **stage1}
    feasible, broken = problem.train(Proposal(good), 0), problem.train(Proposal(small), 1)
    crashed = problem.train(Proposal(small), 2, "crashed")
    assert feasible.value is not None and broken.value is None
    ranked = sorted([crashed, feasible, broken], key=fitness, reverse=True)
    assert ranked == [feasible, broken, crashed]
