import numpy as np

from gensynth.generators.evolution import Evolution, mutate
from gensynth.generators.problem import sample_decisions
from gensynth.space import Draw
from tests.support.synthetic import Synthetic, best_of


def test_a_mutation_changes_one_decision_and_what_depends_on_it() -> None:
    problem, rng = Synthetic(), np.random.default_rng(0)
    for _ in range(50):
        parent = sample_decisions(problem, Draw(rng)).decisions
        child = mutate(problem, parent, rng)
        shared = parent.keys() & child.keys()
        assert sum(parent[name] != child[name] for name in shared) == 1
        assert problem.foresee(child).genome_id != problem.foresee(parent).genome_id


def test_evolution_beats_its_own_random_start() -> None:
    problem = Synthetic()
    gains = []
    for seed in range(20):
        evolved = best_of(Evolution(problem, seed, 16, 5), problem, 80)
        drawn = best_of(Evolution(problem, seed, 1000, 5), problem, 80)
        gains.append(evolved - drawn)
    assert np.median(gains) > 0


def test_the_oldest_die() -> None:
    problem = Synthetic()
    generator = Evolution(problem, 0, population=3, tournament=2)
    outcomes = []
    for number in range(7):
        outcomes.append(problem.train(generator.ask(), number))
        generator.tell(outcomes[-1])
    assert list(generator.alive) == outcomes[-3:]


def test_a_tournament_is_no_larger_than_the_population() -> None:
    assert Evolution(Synthetic(), 0, population=3, tournament=10).tournament == 3
