from collections.abc import Sequence
from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.evaluation.constraint import Judgement
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Ending, Outcome
from gensynth.generators.synthesis.encoding import Inputs
from gensynth.generators.synthesis.evidence import (
    AccuracyScale,
    ExtrapolatedEnd,
    accuracies_from,
    accuracy_samples,
    evidence_of,
    extrapolated_end,
)
from gensynth.generators.synthesis.measured_rules import measured_rules, violations_of

PERCENT = st.floats(0.0, 100.0)


def outcome(ending: Ending, *top1: float) -> Outcome:
    curve = tuple(Measurement(k + 1, t, 0.0, 0.0) for k, t in enumerate(top1))
    return Outcome(0, 0, {}, "g", "f", ending, curve=curve)


def test_a_completed_training_is_sure() -> None:
    (sample,) = accuracy_samples([outcome("completed", 50.0, 80.0)])
    assert sample.top1 == 80.0 and sample.deviation == 0.0


def test_a_stopped_training_is_inferred_with_its_doubt() -> None:
    whole = [outcome("completed", 50.0, 80.0), outcome("completed", 60.0, 84.0)]
    *_, sample = accuracy_samples([*whole, outcome("stopped", 40.0)])
    end = extrapolated_end(40.0, accuracies_from(1, whole))
    assert (sample.top1, sample.deviation) == (end.top1, end.deviation)


def test_a_failure_counts_as_the_worst_and_what_was_never_measured_not_at_all() -> None:
    found = accuracy_samples(
        [outcome("completed", 70.0), outcome("diverged", 9.0), outcome("duplicate")]
    )
    assert [sample.top1 for sample in found] == [70.0, 70.0, None]
    assert found[1].deviation is None


def test_far_below_the_median_everything_is_equally_bad() -> None:
    scale = AccuracyScale.of(np.array([10.0, 88.0, 89.0, 90.0, 91.0]))
    low, lower = scale.standardised(np.array([20.0, 10.0]))
    assert low == lower
    assert np.allclose(scale.restored(scale.standardised(np.array([90.0]))), 90.0)


def test_equal_accuracies_have_a_scale_too() -> None:
    assert AccuracyScale.of(np.array([50.0])).width == 1.0


def extrapolated(stopped: Outcome, whole: list[Outcome]) -> ExtrapolatedEnd:
    last = stopped.curve[-1]
    return extrapolated_end(last.top1, accuracies_from(last.epoch, whole))


def on_a_line(count: int, slope: float, spread: float = 0.0) -> list[Outcome]:
    """Completed trainings of two epochs whose ends lie at 80 + slope * (start - 40)."""
    random = np.random.default_rng(0)
    starts = np.linspace(30.0, 50.0, count)
    ends = 80.0 + slope * (starts - 40.0) + spread * random.standard_normal(count)
    pairs = zip(starts.tolist(), ends.tolist(), strict=True)
    return [outcome("completed", *pair) for pair in pairs]


@pytest.mark.parametrize("slope", [0.1, 0.5, 0.9])
def test_many_trainings_show_the_line_on_which_they_end(slope: float) -> None:
    end = extrapolated(outcome("stopped", 32.0), on_a_line(200, slope))
    assert end.top1 == pytest.approx(80.0 - 8.0 * slope, abs=0.2)
    assert end.deviation < 1.5


def test_a_slow_start_is_no_bad_end_where_starts_tell_little() -> None:
    """Extrapolated by the usual rise, it would end at 10 + 40 = 50 percent."""
    end = extrapolated(outcome("stopped", 10.0), on_a_line(50, 0.1))
    assert end.top1 > 75.0


def test_ends_that_scatter_are_predicted_with_more_doubt() -> None:
    steady, loose = (
        extrapolated(outcome("stopped", 35.0), on_a_line(50, 0.2, s)) for s in (0.0, 4.0)
    )
    assert loose.deviation > 3.0 > steady.deviation


def test_what_is_far_from_everything_known_is_doubted_more() -> None:
    near, far = (extrapolated(outcome("stopped", at), on_a_line(8, 0.2, 2.0)) for at in (40.0, 5.0))
    assert far.deviation > 1.2 * near.deviation


def test_where_nothing_is_complete_nothing_is_known_of_the_end() -> None:
    end = extrapolated(outcome("stopped", 35.0), [outcome("completed")])
    assert (end.top1, end.deviation) == (35.0, inf)


def test_one_complete_training_is_trusted_half() -> None:
    end = extrapolated(outcome("stopped", 30.0), [outcome("completed", 50.0, 80.0)])
    assert 65.0 < end.top1 < 75.0 and end.deviation > 5.0


@given(
    st.lists(st.tuples(PERCENT, PERCENT), min_size=1, max_size=12),
    PERCENT,
)
def test_predictions_are_finite_whatever_was_observed(
    pairs: list[tuple[float, float]], reached: float
) -> None:
    end = extrapolated(outcome("stopped", reached), [outcome("completed", *pair) for pair in pairs])
    assert np.isfinite([end.top1, end.deviation]).all() and end.deviation >= 0.0


@pytest.mark.parametrize("unit", [1e-6, 0.01, -1.0, 1000.0])
def test_another_unit_changes_nothing(unit: float) -> None:
    percent, known = (
        extrapolated(outcome("stopped", 33.0), on_a_line(9, 0.3, 2.0)),
        on_a_line(9, 0.3, 2.0),
    )
    curves = [[line.top1 * unit for line in one.curve] for one in known]
    other = extrapolated(
        outcome("stopped", 33.0 * unit), [outcome("completed", *c) for c in curves]
    )
    assert other.top1 == pytest.approx(percent.top1 * unit)
    assert other.deviation == pytest.approx(percent.deviation * abs(unit))


def encoded(indices: Sequence[int]) -> Inputs:
    return Inputs.of(np.array(indices, dtype=int).reshape(-1, 1), np.zeros((len(indices), 0)))


def test_what_says_nothing_is_left_out_of_the_evidence() -> None:
    outcomes = [outcome("duplicate"), outcome("completed", 70.0), outcome("completed", 80.0)]
    evidence = evidence_of(outcomes, encoded, members=3)
    assert evidence.indices == [1, 2]
    assert [len(dataset) for dataset in evidence.datasets] == [2, 2, 2]
    assert evidence.datasets[0].inputs.rows.tolist() == [[1], [2]]


def broken(**violations: float) -> Outcome:
    judgements = [Judgement(n, "enforce", 0.0, v <= 0, v, "") for n, v in violations.items()]
    return replace(outcome("completed", 70.0), judgements=tuple(judgements))


def test_rules_that_follow_from_others_are_not_measured() -> None:
    outcomes = [broken(late=0.5, top1=-0.1), broken(other=0.0)]
    assert measured_rules(outcomes, {"top1"}) == ("late", "other")


def test_violations_keep_their_sign() -> None:
    dataset = violations_of("late", [broken(late=0.5), broken(), broken(late=-0.5)], encoded)
    assert dataset.inputs.rows.tolist() == [[0], [2]]
    assert dataset.targets[0] > 0 > dataset.targets[1]
