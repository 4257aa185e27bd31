import numpy as np

from gensynth.generators.synthesis.encoding import DIMENSIONS, Encoding


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
    line = Encoding({}).extended({"width": (1, 2, 4, 8)}).start()
    assert np.allclose(np.diff(line[:, 0]), 2 / 3) and not line[:, 1:].any()
    corners = Encoding({}).extended({"op": tuple("abcde")}).start()
    assert corners.shape == (5, DIMENSIONS)
    apart = np.linalg.norm(corners[:, None] - corners[None], axis=2)[np.triu_indices(5, 1)]
    assert np.allclose(apart, apart[0])
