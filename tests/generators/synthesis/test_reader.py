import numpy as np

from gensynth.generators import random as random_generator
from gensynth.generators.synthesis.draft import Draft, draft_of
from gensynth.generators.synthesis.reader import Reader
from tests.support.synthetic import Synthetic


def drafts(count: int) -> list[Draft]:
    problem = Synthetic()
    generator = random_generator.make(problem, 0)
    return [draft_of(problem, generator.ask().decisions) for _ in range(count)]


def test_what_was_read_is_read_alike_again_and_by_another_reader() -> None:
    some = drafts(12)
    reader, other = Reader(), Reader()
    reader.meet(some)
    first = reader.inputs(some)
    again = reader.inputs(some)
    other.meet(some)
    other.inputs(some)
    for one in (again, other.inputs(some)):
        assert np.array_equal(first.rows, one.rows)
        assert np.array_equal(first.features, one.features)
    assert np.array_equal(reader.inputs(some[3:5]).rows, first.rows[3:5])


def test_a_new_decision_changes_the_rows_of_what_was_read_before() -> None:
    some = sorted(drafts(40), key=lambda draft: len(draft.decisions))
    reader = Reader()
    assert reader.meet(some[:3])
    few = reader.inputs(some[:3]).rows.shape[1]
    assert reader.meet(some)
    assert reader.inputs(some[:3]).rows.shape[1] > few
    assert not reader.meet(some)


def test_costs_are_standardised() -> None:
    some = drafts(30)
    reader = Reader()
    reader.meet(some)
    features = reader.inputs(some).features
    assert np.allclose(features.mean(axis=0), 0.0) and np.allclose(features.std(axis=0), 1.0)
