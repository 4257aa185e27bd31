import numpy as np

from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Ending, Outcome
from gensynth.generators.synthesis.evidence import Scale, samples
from gensynth.generators.synthesis.extrapolation import end_of, ends_from


def outcome(ending: Ending, *top1: float) -> Outcome:
    curve = tuple(Measurement(k + 1, t, 0.0, 0.0) for k, t in enumerate(top1))
    return Outcome(0, 0, {}, "g", "f", ending, curve=curve)


def test_a_completed_training_is_sure() -> None:
    (sample,) = samples([outcome("completed", 50.0, 80.0)])
    assert sample.top1 == 80.0 and sample.deviation == 0.0


def test_a_stopped_training_is_inferred_with_its_doubt() -> None:
    whole = [outcome("completed", 50.0, 80.0), outcome("completed", 60.0, 84.0)]
    *_, sample = samples([*whole, outcome("stopped", 40.0)])
    end = end_of(40.0, ends_from(1, whole))
    assert (sample.top1, sample.deviation) == (end.top1, end.deviation)


def test_a_failure_counts_as_the_worst_and_what_was_never_measured_not_at_all() -> None:
    found = samples([outcome("completed", 70.0), outcome("diverged", 9.0), outcome("duplicate")])
    assert [sample.top1 for sample in found] == [70.0, 70.0, None]
    assert found[1].deviation is None


def test_far_below_the_median_everything_is_equally_bad() -> None:
    scale = Scale.of(np.array([10.0, 88.0, 89.0, 90.0, 91.0]))
    low, lower = scale.standardised(np.array([20.0, 10.0]))
    assert low == lower
    assert np.allclose(scale.restored(scale.standardised(np.array([90.0]))), 90.0)


def test_equal_accuracies_have_a_scale_too() -> None:
    assert Scale.of(np.array([50.0])).width == 1.0
