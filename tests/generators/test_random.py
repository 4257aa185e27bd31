from collections import Counter

from gensynth.generators.random import RandomGenerator
from tests.support.synthetic import Synthetic


def test_every_option_is_drawn_about_equally_often() -> None:
    generator = RandomGenerator(Synthetic(), 0)
    counts = Counter(generator.ask().decisions["depth"] for _ in range(300))
    assert min(counts.values()) > 70 and len(counts) == 3


def test_proposals_are_numbered() -> None:
    generator = RandomGenerator(Synthetic(), 0)
    assert [generator.ask().seed for _ in range(3)] == [0, 1, 2]
