import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.confidence import lower_bound

percents = st.lists(st.floats(0, 100), min_size=1, max_size=8)


@given(percents)
def test_the_bound_lies_below_the_mean_and_falls_with_confidence(top1s: list[float]) -> None:
    low, high = lower_bound(top1s, 360, 0.95), lower_bound(top1s, 360, 0.8)
    assert low < high < sum(top1s) / len(top1s) + 1e-9


def test_the_formula_by_hand() -> None:
    # t(0.9, 2 degrees of freedom) = 1.885618; s = 1
    expected = 98 - 1.885618 / math.sqrt(3)
    assert lower_bound([97.0, 98.0, 99.0], 10_000, 0.9) == pytest.approx(expected, abs=1e-5)


def test_replicas_that_agree_by_accident_are_not_certain() -> None:
    assert lower_bound([99.0, 99.0, 99.0], 100, 0.9) < 99.0


def test_the_true_mean_lies_above_the_bound_as_often_as_promised() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(98.5, 0.4, size=(4000, 3))
    covered = np.mean([lower_bound(list(row), 100_000, 0.9) <= 98.5 for row in draws])
    assert 0.88 < covered < 0.92


def test_no_training_gives_no_bound() -> None:
    with pytest.raises(ValueError, match="at least one"):
        lower_bound([], 360, 0.9)
