"""Requirements, and the front that answers all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy import float64
from numpy.typing import NDArray

from gensynth.generators.synthesis.requirements import (
    any_limit,
    front,
    last_improvement,
    levels,
    requirements,
    spread,
    within,
)

Floats = NDArray[float64]
NETWORKS = st.lists(
    st.tuples(st.integers(1, 50), st.integers(1, 50), st.integers(0, 20)), min_size=1, max_size=12
)


def arrays(networks: list[tuple[int, int, int]]) -> tuple[Floats, Floats]:
    rows = np.array(networks, dtype=float64)
    return rows[:, :2], rows[:, 2]


@given(NETWORKS)
def test_the_front_answers_every_requirement_as_well_as_all_networks_do(
    networks: list[tuple[int, int, int]],
) -> None:
    costs, values = arrays(networks)
    kept = front(costs, values)
    for limit in costs:
        fits = (costs <= limit).all(axis=1)
        answers = [values[k] for k in kept if fits[k]]
        assert max(answers) == values[fits].max()
    for one in kept:
        others = [k for k in kept if k != one]
        beaten = [(costs[k] <= costs[one]).all() and values[k] >= values[one] for k in others]
        assert not any(beaten)


@given(NETWORKS, NETWORKS)
def test_the_levels_average_over_requirements_as_one_by_one(
    found: list[tuple[int, int, int]], asked: list[tuple[int, int, int]]
) -> None:
    costs, values = arrays(found)
    candidates, supposed = arrays(asked)
    least = float(values.min())
    limits = requirements(np.concatenate([costs, candidates]))
    expected = np.zeros(len(candidates))
    for limit in limits:
        inside = values[(costs <= limit).all(axis=1)]
        best = inside.max() if len(inside) else least
        keeps = (candidates <= limit).all(axis=1)
        expected += keeps * np.maximum(supposed - best, 0.0) / len(limits)
    by = levels(costs, values, candidates, least)
    gains = np.maximum(supposed[None] - by.best[:, None], 0.0)
    assert np.allclose((np.exp(by.log_share) * gains).sum(axis=0), expected)
    assert (by.median <= by.best).all()


def test_without_costs_there_is_one_requirement_that_any_network_keeps() -> None:
    none = np.zeros((3, 0))
    by = levels(none, np.array([1.0, 5.0, 2.0]), np.zeros((2, 0)), least=0.0)
    assert by.best.tolist() == [5.0] and by.median.tolist() == [2.0]
    assert by.log_share.tolist() == [[0.0, 0.0]]
    assert levels(none[:0], np.zeros(0), np.zeros((2, 0)), least=-3.0).best.tolist() == [-3.0]


def test_limits_lie_between_usual_costs_and_spread_evenly_over_their_logarithms() -> None:
    costs = np.exp(np.random.default_rng(0).normal([5.0, 9.0], 1.0, (500, 2)))
    limits = requirements(costs)
    low, high = np.quantile(costs, [0.05, 0.95], axis=0)
    assert (limits >= low).all() and (limits <= high * 1.001).all()
    places = (np.log(limits) - np.log(low)) / (np.log(high) - np.log(low))
    assert np.allclose(places.mean(axis=0), 0.5, atol=0.05)
    assert within(costs[:1], limits).shape == (len(limits), 1)


@given(NETWORKS)
def test_the_first_choices_of_a_spread_lie_on_the_front_and_help_most(
    networks: list[tuple[int, int, int]],
) -> None:
    costs, values = arrays(networks)
    chosen = spread(costs, values, len(values))
    assert len(set(chosen)) == len(chosen)
    keeps = within(costs, any_limit(costs))
    least = values.min() - 1.0
    gains = np.where(keeps, values, least).mean(axis=0)
    assert gains[chosen[0]] == pytest.approx(gains.max())
    best = np.where(keeps, values, least).max(axis=1)
    assert np.allclose(np.where(keeps, values, least)[:, chosen].max(axis=1, initial=least), best)


def test_what_improves_the_front_is_not_only_what_is_best() -> None:
    costs = np.array([[9.0], [9.0], [1.0], [9.0], [1.0]])
    values = [50.0, 60.0, 40.0, 55.0, 39.0]
    assert last_improvement(costs, values) == 2
    assert last_improvement(np.zeros((5, 0)), values) == 1
    assert last_improvement(np.zeros((0, 0)), []) == 0
