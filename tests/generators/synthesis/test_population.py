import math

import pytest

from gensynth.generators.synthesis.generator import Synthesis, SynthesisOptions
from gensynth.generators.synthesis.population import distance, influences, population
from tests.support.synthetic import Synthetic


@pytest.fixture(scope="module")
def taught() -> Synthesis:
    problem = Synthetic()
    generator = Synthesis(problem, 0, SynthesisOptions(seeds=16, mutants=12))
    for number in range(10):
        generator.tell(problem.train(generator.ask(), number))
    return generator


def test_a_population_is_described_in_shares_and_means(taught: Synthesis) -> None:
    found = population(taught, 20)
    assert found.seeds == 20 and 0 < found.feasible <= 1 and 0 <= found.chance <= 1
    assert 1 < found.different <= 20 and 0 < found.distance < 1
    assert math.isfinite(found.value) and found.macs > 1000
    assert found == population(taught, 20) != population(taught, 20, first=20)


def test_decisions_are_ranked_by_their_influence(taught: Synthesis) -> None:
    found = influences(taught)
    effects = [influence.effect_db for influence in found]
    assert effects == sorted(effects, reverse=True) and effects[0] > 0
    best = {influence.decision: influence.best for influence in found}
    assert best["activation"] in ("relu", "silu", "gelu") and best["depth"] in ("1", "2", "3")


def test_the_distance_counts_differing_decisions() -> None:
    assert distance([{"a": 1, "b": 2}, {"a": 1, "b": 3}]) == 0.5
    assert distance([{"a": 1}, {"a": 1, "b": 3}]) == 0.5
    assert distance([{"a": 1}]) == 0.0
