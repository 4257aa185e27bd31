from pathlib import Path

import pytest

from gensynth.training.training_speed import Pace, pace
from tests.support.trainings import job


def test_an_epoch_costs_its_training_and_validation_images() -> None:
    assert Pace(0.01, 0.002, 300, 100).seconds(2.5) == pytest.approx(2.5 * (3.0 + 0.2))


def test_measuring_counts_the_images_and_writes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    found = pace(job(folder), limit_s=0.05)
    assert found.train_s > 0 and found.validate_s > 0
    assert (found.train_images, found.validation_images) == (270, 359)
    assert not folder.exists()


def test_without_images_held_out_nothing_is_validated(tmp_path: Path) -> None:
    found = pace(job(tmp_path, splits=("train", "validation")), limit_s=0.05)
    assert (found.validate_s, found.validation_images) == (0.0, 0)
