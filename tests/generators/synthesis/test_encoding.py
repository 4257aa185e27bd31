import numpy as np

from gensynth.generators.random import RandomGenerator
from gensynth.generators.synthesis.candidates import SampledCandidate, sampled_candidate
from gensynth.generators.synthesis.encoding import DIMENSIONS, CandidateEncoder, Encoding
from tests.support.synthetic import Synthetic


def known() -> Encoding:
    met = {"a": ("x", "y"), "b": ("y", "x"), "width": (16, 4, 8)}
    return Encoding({}).extended(met)


def test_like_options_form_a_group_in_whatever_order_they_come() -> None:
    encoding = known()
    assert encoding.groups == (("x", "y"), (4, 8, 16))
    assert encoding.group_of.tolist() == [0, 0, 1]


def test_every_answer_has_a_row_of_its_own_and_so_has_none() -> None:
    encoding = known()
    rows = encoding.rows([{"a": "x", "width": 4}, {"a": "y", "b": "y", "width": 16}])
    assert rows.tolist() == [[1, 3, 7], [2, 5, 9]]
    assert encoding.shared_row[rows].tolist() == [[0, -1, 2], [1, 1, 4]]


def test_what_is_met_later_extends_and_what_is_known_changes_nothing() -> None:
    encoding = known()
    assert encoding.extended({"a": ("x",)}) is encoding
    extended = encoding.extended({"width": (2, 64), "c": (True, False)})
    assert extended.options["width"] == (2, 4, 8, 16, 64)
    assert extended.names == ("a", "b", "width", "c")


def test_numbers_start_on_a_line_and_words_equally_far_from_each_other() -> None:
    line = Encoding({}).extended({"width": (1, 2, 4, 8)}).initial_embeddings()
    assert np.allclose(np.diff(line[:, 0]), 2 / 3) and not line[:, 1:].any()
    corners = Encoding({}).extended({"op": tuple("abcde")}).initial_embeddings()
    assert corners.shape == (5, DIMENSIONS)
    apart = np.linalg.norm(corners[:, None] - corners[None], axis=2)[np.triu_indices(5, 1)]
    assert np.allclose(apart, apart[0])


def sampled(count: int) -> list[SampledCandidate]:
    problem = Synthetic()
    generator = RandomGenerator(problem, 0)
    return [sampled_candidate(problem, generator.ask().decisions) for _ in range(count)]


def test_candidates_are_encoded_alike_again_and_by_another_encoder() -> None:
    some = sampled(12)
    encoder, other = CandidateEncoder(), CandidateEncoder()
    encoder.extend(some)
    first = encoder.encode(some)
    again = encoder.encode(some)
    other.extend(some)
    other.encode(some)
    for one in (again, other.encode(some)):
        assert np.array_equal(first.rows, one.rows)
        assert np.array_equal(first.features, one.features)
    assert np.array_equal(encoder.encode(some[3:5]).rows, first.rows[3:5])


def test_a_new_decision_changes_the_rows_of_candidates_encoded_before() -> None:
    some = sorted(sampled(40), key=lambda candidate: len(candidate.decisions))
    encoder = CandidateEncoder()
    assert encoder.extend(some[:3])
    few = encoder.encode(some[:3]).rows.shape[1]
    assert encoder.extend(some)
    assert encoder.encode(some[:3]).rows.shape[1] > few
    assert not encoder.extend(some)


def test_costs_are_standardised() -> None:
    some = sampled(30)
    encoder = CandidateEncoder()
    encoder.extend(some)
    features = encoder.encode(some).features
    assert np.allclose(features.mean(axis=0), 0.0) and np.allclose(features.std(axis=0), 1.0)


def test_no_candidate_is_encoded_too() -> None:
    encoder = CandidateEncoder()
    encoder.extend(sampled(5))
    inputs = encoder.encode([])
    assert inputs.rows.shape == (0, len(encoder.encoding.names))
    assert inputs.features.shape == (0, encoder.features)


def test_ignored_decisions_are_not_encoded() -> None:
    encoder = CandidateEncoder(ignored=["depth"])
    encoder.extend(sampled(20))
    assert "activation" in encoder.encoding.names and "depth" not in encoder.encoding.names
