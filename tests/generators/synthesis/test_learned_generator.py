import pytest

from gensynth.generators.random import RandomGenerator
from gensynth.generators.synthesis.learned_generator import LearnedGenerator, SelfPlay
from gensynth.generators.synthesis.population import population
from tests.support.synthetic import Synthetic

LENGTH = SelfPlay(rounds=40, seeds=16, mutants=16)
SEEDS = 40


@pytest.fixture(scope="module")
def learned() -> LearnedGenerator:
    """Learned from the outcomes of a random search: it needs no generator of its own kind."""
    problem = Synthetic()
    proposals = RandomGenerator(problem, 0)
    outcomes = [problem.train(proposals.ask(), number) for number in range(30)]
    return LearnedGenerator(problem, outcomes, seed=1, length=LENGTH)


def kept(generator: LearnedGenerator, learned: bool) -> float:
    problem = Synthetic()
    drawn = generator.generate(SEEDS, 500, learned)
    return sum(problem.train(one, 0).value is not None for one in drawn) / SEEDS


def test_its_networks_for_fresh_seeds_keep_every_rule_when_they_are_trained(
    learned: LearnedGenerator,
) -> None:
    assert kept(learned, learned=False) < 0.7 < 0.9 <= kept(learned, learned=True)


def test_it_draws_many_functions_of_a_higher_value(learned: LearnedGenerator) -> None:
    start, end = (population(learned, SEEDS, when, 500) for when in (False, True))
    assert end.different >= SEEDS / 4 and end.feasible == 1.0
    assert end.chance > start.chance and end.value > start.value


def test_drawing_changes_nothing_and_follows_the_seed(learned: LearnedGenerator) -> None:
    once = [p.decisions for p in learned.generate(6, first=3)]
    assert once == [p.decisions for p in learned.generate(6, first=3)]
    assert once[1:] == [p.decisions for p in learned.generate(5, first=4)]


def test_the_archive_holds_each_function_once_and_breaks_no_known_rule(
    learned: LearnedGenerator,
) -> None:
    names = [candidate.foresight.fingerprint for candidate in learned.archive]
    assert len(names) == len(set(names)) > SEEDS
    assert all(candidate.foresight.feasible for candidate in learned.archive)


def test_without_outcomes_it_is_g_at_its_start() -> None:
    generator = LearnedGenerator(Synthetic(), [])
    assert list(generator.generate(4)) == list(generator.generate(4, learned=False))
