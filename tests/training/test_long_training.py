from dataclasses import replace
from pathlib import Path

import pytest

from gensynth.evaluation.measurement import Measurement
from gensynth.training.job import Diverged
from gensynth.training.long_training import choose_rate, gain_at_end, is_flat, train_long
from tests.support.trainings import QUICK, job, timeless

TEN = replace(QUICK, epochs=10)


def curve(*top1s: float) -> list[Measurement]:
    return [Measurement(k + 1, top1, 1.0, 1.0) for k, top1 in enumerate(top1s)]


def test_the_rate_of_the_best_validation_is_chosen(tmp_path: Path) -> None:
    seen: list[tuple[float, int]] = []
    choice = choose_rate(
        job(tmp_path, TEN, measure_test=True, splits=("train", "validation")),
        (0.2, 1e-6, 1e30),
        lambda rate, measurement: seen.append((rate, measurement.epoch)),
    )
    assert choice.rate == 0.2
    assert choice.top1s[1e30] is None
    assert set(choice.top1s) == {1e-6, 0.2, 1e30}
    assert seen[:4] == [(1e-6, 1), (1e-6, 2), (0.2, 1), (0.2, 2)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rate-0.2", "rate-1e-06"]


def test_all_rates_diverging_is_divergence(tmp_path: Path) -> None:
    with pytest.raises(Diverged):
        choose_rate(job(tmp_path), (1e30, 1e31))


def test_the_training_takes_the_chosen_rate(tmp_path: Path) -> None:
    plain = job(tmp_path / "a", checkpoint_s=None)
    other = replace(plain, recipe=replace(plain.recipe, learning_rate=0.01))
    assert timeless(list(train_long(plain, 0.01))) == timeless(list(train_long(other, 0.01)))
    assert timeless(list(train_long(plain, 0.01))) != timeless(list(train_long(plain, 0.2)))


def test_gain_is_that_of_a_straight_line_over_the_last_fifth() -> None:
    rising = curve(*range(20))
    assert gain_at_end(rising) == pytest.approx(3.0)
    assert is_flat(rising) is False
    assert is_flat(curve(*range(16), 50.0, 50.2, 49.9, 50.1)) is True


def test_a_short_curve_tells_nothing() -> None:
    assert gain_at_end(curve(*range(10))) is None
    assert is_flat(curve(1.0)) is None
