from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Ending, Outcome
from gensynth.generators.synthesis.extrapolation import End, end_of, ends_from

PERCENT = st.floats(0.0, 100.0)


def outcome(ending: Ending, *top1: float) -> Outcome:
    curve = tuple(Measurement(k + 1, t, 0.0, 0.0) for k, t in enumerate(top1))
    return Outcome(0, 0, {}, "g", "f", ending, curve=curve)


def carried_on(stopped: Outcome, whole: list[Outcome]) -> End:
    last = stopped.curve[-1]
    return end_of(last.top1, ends_from(last.epoch, whole))


def on_a_line(count: int, slope: float, spread: float = 0.0) -> list[Outcome]:
    """Completed trainings of two epochs whose ends lie at 80 + slope * (start - 40)."""
    random = np.random.default_rng(0)
    starts = np.linspace(30.0, 50.0, count)
    ends = 80.0 + slope * (starts - 40.0) + spread * random.standard_normal(count)
    pairs = zip(starts.tolist(), ends.tolist(), strict=True)
    return [outcome("completed", *pair) for pair in pairs]


@pytest.mark.parametrize("slope", [0.1, 0.5, 0.9])
def test_many_trainings_show_the_line_on_which_they_end(slope: float) -> None:
    end = carried_on(outcome("stopped", 32.0), on_a_line(200, slope))
    assert end.top1 == pytest.approx(80.0 - 8.0 * slope, abs=0.2)
    assert end.deviation < 1.5


def test_a_slow_start_is_no_bad_end_where_starts_tell_little() -> None:
    """Carried on by the usual rise it would end at 50 + 10 = 60 percent."""
    end = carried_on(outcome("stopped", 10.0), on_a_line(50, 0.1))
    assert end.top1 > 75.0


def test_ends_that_scatter_are_told_with_more_doubt() -> None:
    steady, loose = (
        carried_on(outcome("stopped", 35.0), on_a_line(50, 0.2, s)) for s in (0.0, 4.0)
    )
    assert loose.deviation > 3.0 > steady.deviation


def test_what_is_far_from_everything_known_is_doubted_more() -> None:
    near, far = (carried_on(outcome("stopped", at), on_a_line(8, 0.2, 2.0)) for at in (40.0, 5.0))
    assert far.deviation > 1.2 * near.deviation


def test_where_nothing_is_complete_nothing_is_known_of_the_end() -> None:
    end = carried_on(outcome("stopped", 35.0), [outcome("completed")])
    assert (end.top1, end.deviation) == (35.0, inf)


def test_one_complete_training_is_trusted_half() -> None:
    end = carried_on(outcome("stopped", 30.0), [outcome("completed", 50.0, 80.0)])
    assert 65.0 < end.top1 < 75.0 and end.deviation > 5.0


@given(
    st.lists(st.tuples(PERCENT, PERCENT), min_size=1, max_size=12),
    PERCENT,
)
def test_what_is_told_is_finite_whatever_was_seen(
    pairs: list[tuple[float, float]], reached: float
) -> None:
    end = carried_on(outcome("stopped", reached), [outcome("completed", *pair) for pair in pairs])
    assert np.isfinite([end.top1, end.deviation]).all() and end.deviation >= 0.0


@pytest.mark.parametrize("unit", [1e-6, 0.01, -1.0, 1000.0])
def test_another_unit_changes_nothing(unit: float) -> None:
    percent, known = (
        carried_on(outcome("stopped", 33.0), on_a_line(9, 0.3, 2.0)),
        on_a_line(9, 0.3, 2.0),
    )
    curves = [[line.top1 * unit for line in one.curve] for one in known]
    other = carried_on(outcome("stopped", 33.0 * unit), [outcome("completed", *c) for c in curves])
    assert other.top1 == pytest.approx(percent.top1 * unit)
    assert other.deviation == pytest.approx(percent.deviation * abs(unit))
