import numpy as np

from gensynth.generators import evolution
from gensynth.generators.protocol import Proposal
from gensynth.genome import Decisions
from gensynth.space import Draw
from tests.support.synthetic import Synthetic, best_of


def test_a_mutation_changes_one_decision_and_what_depends_on_it() -> None:
    problem, rng = Synthetic(), np.random.default_rng(0)
    for _ in range(50):
        parent = evolution.draw(problem, Draw(rng))
        child = evolution.mutate(problem, parent, rng)
        shared = parent.keys() & child.keys()
        assert sum(parent[name] != child[name] for name in shared) == 1
        assert problem.foresee(child).genome_id != problem.foresee(parent).genome_id


def test_feasible_beats_infeasible_beats_crashed() -> None:
    problem = Synthetic(floor=80.0)
    small: Decisions = {"activation": "silu", "depth": 1, "stage0.kind": "plain", "stage0.width": 8}
    stage0: Decisions = {"stage0.kind": "columnar", "stage0.width": 64}
    stage1: Decisions = {"stage1.kind": "gated", "stage1.width": 32, "stage1.gate": "sigmoid"}
    good: Decisions = {"activation": "silu", "depth": 2, **stage0, **stage1}
    feasible, broken = problem.train(Proposal(good), 0), problem.train(Proposal(small), 1)
    crashed = problem.train(Proposal(small), 2, "crashed")
    assert feasible.value is not None and broken.value is None
    ranked = sorted([crashed, feasible, broken], key=evolution.fitness, reverse=True)
    assert ranked == [feasible, broken, crashed]


def test_evolution_beats_its_own_random_start() -> None:
    problem = Synthetic()
    gains = []
    for seed in range(20):
        evolved = best_of(evolution.make(problem, seed, 16, 5), problem, 80)
        drawn = best_of(evolution.make(problem, seed, 1000, 5), problem, 80)
        gains.append(evolved - drawn)
    assert np.median(gains) > 0


def test_the_oldest_die() -> None:
    problem = Synthetic()
    generator = evolution.make(problem, 0, population=3, tournament=2)
    outcomes = []
    for number in range(7):
        outcomes.append(problem.train(generator.ask(), number))
        generator.tell(outcomes[-1])
    assert list(generator.alive) == outcomes[-3:]
