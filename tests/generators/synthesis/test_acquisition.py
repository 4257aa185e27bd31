import math

import numpy as np
import pytest

from gensynth.evaluation.score import NetScore
from gensynth.generators.synthesis.acquisition import (
    ValueGrid,
    are_percentages,
    filled,
    log_expected_improvement,
    log_probability_of_improvement,
    supposed_accuracies,
)
from gensynth.genome import Decisions
from tests.support.synthetic import Synthetic

GRID = np.linspace(0.0, 100.0, 201)
DECISIONS: Decisions = {
    "activation": "silu",
    "depth": 1,
    "stage0.kind": "plain",
    "stage0.width": 16,
}


def values_above(floor: float) -> ValueGrid:
    costs = [(1e3, 1e5), (1e5, 1e7)]
    value = [[NetScore().of(max(t, 1.0), *cost) for t in GRID] for cost in costs]
    return ValueGrid(GRID, np.array(value), np.tile(floor <= GRID, (2, 1)))


@pytest.mark.parametrize("floor", [0.0, 80.0])
def test_it_is_the_expectation_that_chance_finds(floor: float) -> None:
    view, rng = values_above(floor), np.random.default_rng(0)
    mean, deviation, best = np.array([79.0, 78.0]), np.array([3.0, 2.0]), 100.0
    found = np.exp(log_expected_improvement(view, mean, deviation, best))
    for row, costs in enumerate([(1e3, 1e5), (1e5, 1e7)]):
        drawn = rng.normal(mean[row], deviation[row], 40_000).clip(1, 100)
        gains = [max(NetScore().of(t, *costs) - best, 0) * (t >= floor) for t in drawn]
        assert found[row] == pytest.approx(np.mean(gains), rel=0.05, abs=0.02)


@pytest.mark.parametrize("floor", [0.0, 80.0])
def test_the_chance_of_any_improvement_is_that_which_chance_finds(floor: float) -> None:
    view, rng = values_above(floor), np.random.default_rng(1)
    mean, deviation, best = np.array([79.0, 78.0]), np.array([3.0, 2.0]), 100.0
    found = np.exp(log_probability_of_improvement(view, mean, deviation, best))
    for row, costs in enumerate([(1e3, 1e5), (1e5, 1e7)]):
        drawn = rng.normal(mean[row], deviation[row], 20_000).clip(1, 100)
        better = [NetScore().of(t, *costs) > best and t >= floor for t in drawn]
        assert found[row] == pytest.approx(np.mean(better), abs=0.02)


@pytest.mark.parametrize(
    ("seen", "percent"),
    [
        ((), True),
        ((0.0, 55.0), True),
        ((0.2, 0.9), False),
        ((-1.0, 5.0), False),
        ((9.0, 101.0), False),
    ],
)
def test_what_never_exceeds_one_is_no_percentage(seen: tuple[float, ...], percent: bool) -> None:
    assert are_percentages(np.array(seen)) == percent


def test_it_still_tells_apart_what_is_hopeless() -> None:
    view = values_above(80.0)
    one = np.array([1.0, 1.0])
    low = log_expected_improvement(view, np.array([20.0, 20.0]), one, 100.0)
    less = log_expected_improvement(view, np.array([30.0, 30.0]), one, 100.0)
    assert np.isfinite(low).all() and (less > low).all()


def test_more_doubt_is_worth_more_below_the_best() -> None:
    view = values_above(0.0)
    mean = np.array([10.0, 10.0])
    best = 110.0
    sure = log_expected_improvement(view, mean, np.array([1.0, 1.0]), best)
    unsure = log_expected_improvement(view, mean, np.array([5.0, 5.0]), best)
    assert (unsure > sure).all()


def test_the_grid_has_both_sides_of_a_floor() -> None:
    problem = Synthetic(floor=83.3)
    grid = supposed_accuracies(problem, problem.foresee(DECISIONS), np.array([70.0]))
    assert np.abs(grid - 83.3).min() < 1e-6
    assert (np.diff(grid) < 1e-6).any()


def test_what_is_no_percentage_has_a_grid_around_what_was_seen() -> None:
    problem = Synthetic(floor=0.5)
    grid = supposed_accuracies(problem, problem.foresee(DECISIONS), np.array([-3.0, 200.0]))
    assert grid[0] < -3 and grid[-1] > 200


def test_values_that_do_not_exist_take_a_neighbours() -> None:
    assert filled(np.array([math.nan, 2.0, math.nan])).tolist() == [2.0, 2.0, 2.0]
    assert filled(np.array([math.nan])).tolist() == [0.0]
