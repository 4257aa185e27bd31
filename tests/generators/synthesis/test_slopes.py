import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gensynth.generators.synthesis.slopes import SLOPE, Slopes

POINTS = st.floats(0.0, 100.0)


def of(top1: list[float], earlier: list[float], spread: float = 5.0) -> Slopes:
    return Slopes.of(np.array(top1), np.array(earlier).reshape(-1, 1), np.array([spread]))


def test_before_the_first_outcome_the_prior_counts() -> None:
    assert of([], []).slopes[0] == pytest.approx(SLOPE)
    assert of([70.0], [60.0]).slopes[0] == pytest.approx(SLOPE)


def test_predictions_that_come_true_are_believed() -> None:
    slopes = of([60.0, 70.0, 80.0, 90.0], [30.0, 40.0, 50.0, 60.0])
    assert abs(slopes.slopes[0] - 1.0) < 1e-3
    np.testing.assert_allclose(slopes.shift(np.array([[45.0], [55.0]])), [0.0, 10.0], atol=1e-2)


def test_predictions_that_say_the_contrary_count_nothing() -> None:
    turned = [90.0, 80.0, 70.0, 60.0, 50.0, 40.0]
    assert of(turned, [30.0, 40.0, 50.0, 60.0, 70.0, 80.0]).slopes[0] == 0.0


def test_accuracies_that_scatter_among_what_was_praised_alike_refute_the_campaign() -> None:
    praised = of([60.0, 75.0, 50.0, 82.0, 66.0, 58.0], [71.0, 70.0, 70.5, 71.2, 70.1, 70.8])
    assert praised.slopes[0] < 0.05 * SLOPE


def test_unrelated_predictions_lose_their_say() -> None:
    rng = np.random.default_rng(0)
    count = 24
    slopes = of(list(rng.normal(70, 5, count)), list(rng.normal(50, 5, count)))
    assert slopes.slopes[0] < 0.4 * SLOPE


@given(arrays(float, (6, 2), elements=POINTS), arrays(float, 6, elements=POINTS), POINTS)
def test_a_constant_in_the_predictions_changes_nothing(
    earlier: np.ndarray, top1: np.ndarray, constant: float
) -> None:
    """Another task may be harder by any number of points."""
    spreads = np.array([3.0, 4.0])
    first = Slopes.of(top1, earlier, spreads)
    other = Slopes.of(top1, earlier + constant, spreads)
    np.testing.assert_allclose(first.shift(earlier), other.shift(earlier + constant), atol=1e-6)
    assert (first.slopes >= 0).all()


def test_without_earlier_campaigns_nothing_is_known() -> None:
    none = Slopes.of(np.array([1.0, 2.0]), np.zeros((2, 0)), np.zeros(0))
    assert none.shift(np.zeros((3, 0))).tolist() == [0.0, 0.0, 0.0]
