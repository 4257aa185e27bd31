import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from gensynth.generators.optuna_sampler.cells import FINEST, Cells, spelled, spelling
from gensynth.generators.optuna_sampler.parameters import ParameterProblem
from gensynth.space import Replay

RANGES = [
    FloatDistribution(-1.0, 1.0),
    FloatDistribution(1e-7, 1.0, log=True),
    FloatDistribution(-10.2, 10.2, step=0.1),
    FloatDistribution(-1e308, 1e308),
    FloatDistribution(0.0, 1e6, step=0.5),
    IntDistribution(3, 9, step=2),
    IntDistribution(1, 10, log=True),
    IntDistribution(1, 10**9, log=True),
    IntDistribution(-(10**12), 10**12),
]


@given(st.integers(2, 5000), st.data())
def test_digits_spell_every_cell(count: int, data: st.DataObject) -> None:
    cell = data.draw(st.integers(0, count - 1))
    assert spelled(Replay(spelling("x", cell, count)), "x", count) == cell


@pytest.mark.parametrize("count", [8, 64, 512, FINEST])
def test_neighbours_differ_in_one_digit_by_one(count: int) -> None:
    for cell in range(min(count - 1, 4000)):
        here, there = (list(spelling("x", c, count).values()) for c in (cell, cell + 1))
        steps = [abs(a - b) for a, b in zip(here, there, strict=True)]
        assert sorted(steps)[-2:] in ([0, 1], [1])


@pytest.mark.parametrize("distribution", RANGES, ids=repr)
@given(share=st.floats(0, 1))
def test_values_of_cells_are_allowed_and_come_back(
    distribution: FloatDistribution | IntDistribution, share: float
) -> None:
    cells = Cells(distribution)
    value = cells.value(min(int(share * cells.count), cells.count - 1))
    assert type(value) is (int if isinstance(distribution, IntDistribution) else float)
    assert distribution._contains(float(value))
    assert cells.value(cells.cell(value)) == value
    assert 0 <= cells.place(value) <= 1


def test_every_value_of_a_short_range_has_a_cell() -> None:
    cells = Cells(IntDistribution(3, 9, step=2))
    assert [cells.value(k) for k in range(cells.count)] == [3, 5, 7, 9]
    assert {Cells(IntDistribution(1, 10, log=True)).value(k) for k in range(FINEST)} == {
        *range(1, 11)
    }


def test_a_logarithmic_range_is_cut_by_ratios() -> None:
    cells = Cells(FloatDistribution(1e-6, 1.0, log=True))
    assert math.log10(cells.value(cells.count // 2)) == pytest.approx(-3, abs=1e-3)


@pytest.mark.parametrize(
    "choices", [(1, 10, 100), (1, 1.0), (True, False), (None, "a", 2), ("a", "a")]
)
def test_categories_come_back_as_they_were(choices: tuple[object, ...]) -> None:
    problem = ParameterProblem({"c": CategoricalDistribution(choices)})  # type: ignore[arg-type]
    for choice in choices:
        found = problem.sample(Replay(problem.decisions({"c": choice})))["c"]
        assert found == choice


def test_names_that_look_like_digits_are_kept_apart() -> None:
    space = {name: FloatDistribution(0, 1) for name in ("x", "x:0", "x=")}
    problem = ParameterProblem({**space, "y": CategoricalDistribution(("a", "b"))})
    values = {"x": 0.1, "x:0": 0.5, "x=": 0.9, "y": "b"}
    found = problem.sample(Replay(problem.decisions(values)))
    assert found["y"] == "b"
    assert [found[name] for name in space] == pytest.approx([0.1, 0.5, 0.9], abs=1e-4)
