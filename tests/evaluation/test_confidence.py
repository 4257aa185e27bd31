import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gensynth.evaluation.confidence import lower_bound, wilson_interval

TOP1S = st.lists(st.floats(1, 99), min_size=2, max_size=8)


def test_lower_bound_is_students_t_of_scipy() -> None:
    top1s = [97.8, 98.6, 98.1]
    low, _ = stats.t.interval(0.8, 2, np.mean(top1s), stats.sem(top1s))
    assert lower_bound(top1s, 359, 0.9) == pytest.approx(low)


def test_wilson_interval_is_that_of_scipy() -> None:
    expected = stats.binomtest(354, 359).proportion_ci(0.95, method="wilson")
    low, high = wilson_interval(100 * 354 / 359, 359)
    assert (low, high) == pytest.approx((100 * expected.low, 100 * expected.high))


def test_perfect_share_still_has_a_bound_below_it() -> None:
    low, high = wilson_interval(100.0, 359)
    assert 98 < low < 100
    assert high == 100.0


@given(TOP1S, st.integers(10, 10**5))
def test_lower_bound_lies_below_the_mean_even_if_replicas_agree(
    top1s: list[float], images: int
) -> None:
    assert lower_bound(top1s, images) < np.mean(top1s)
    same = [top1s[0]] * len(top1s)
    assert lower_bound(same, images) < top1s[0]


@given(TOP1S, st.floats(0.5, 0.95))
def test_more_confidence_asks_for_more_margin(top1s: list[float], confidence: float) -> None:
    assert lower_bound(top1s, 1000, confidence + 0.04) <= lower_bound(top1s, 1000, confidence)


def test_one_replica_is_bounded_as_a_binomial_share() -> None:
    low = lower_bound([98.5], 359, 0.9)
    share, z = 0.985, stats.norm.ppf(0.9)
    assert low < 98.5
    assert low == pytest.approx(100 * (share - z * math.sqrt(share * 0.015 / 359)), abs=0.3)


def test_bound_covers_the_true_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(95.0, 0.5, size=(2000, 3))
    covered = np.mean([lower_bound(list(row), 10**6, 0.9) <= 95.0 for row in draws])
    assert covered == pytest.approx(0.9, abs=0.02)


def test_no_replica_has_no_bound() -> None:
    with pytest.raises(ValueError, match="at least one replica"):
        lower_bound([], 359)
