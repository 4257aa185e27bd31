from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gensynth.data.open import default_cache, open_data, reopen_data, task_of
from gensynth.data.sets import DataSet, DataSettings
from gensynth.errors import InputError
from gensynth.space import Task
from tests.support.trainings import write_pictures


@pytest.fixture(scope="module")
def digits() -> DataSet:
    return open_data(DataSettings())


def test_digits_are_all_there_once(digits: DataSet) -> None:
    assert digits.task == Task(channels=1, height=8, width=8, classes=10)
    assert [len(digits.splits[name]) for name in ("train", "validation", "test")] == [
        1079,
        359,
        359,
    ]
    images = np.concatenate([split.images for split in digits.splits.values()])
    assert images.shape == (1797, 1, 8, 8)
    assert images.dtype == np.uint8
    assert (images.min(), images.max()) == (0, 255)
    assert len(np.unique(images.reshape(1797, -1), axis=0)) == 1797


def test_digits_are_stratified(digits: DataSet) -> None:
    for split in digits.splits.values():
        shares = np.bincount(split.labels, minlength=10) / len(split)
        assert shares == pytest.approx(np.full(10, 0.1), abs=0.01)


def test_fingerprint_is_of_content_and_splits(digits: DataSet) -> None:
    assert open_data(DataSettings()).fingerprint == digits.fingerprint
    for changed in (DataSettings(split_seed=1), DataSettings(validation_share=0.1)):
        assert open_data(changed).fingerprint != digits.fingerprint


@pytest.mark.parametrize("change", [{"image_size": 16}, {"channels": 3}])
def test_digits_are_what_they_are(change: dict[str, int]) -> None:
    with pytest.raises(InputError, match="for digits"):
        open_data(replace(DataSettings(), **change))  # type: ignore[arg-type]


def test_cache_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("GENSYNTH_CACHE", raising=False)
    assert default_cache() == tmp_path / "gensynth"
    monkeypatch.setenv("GENSYNTH_CACHE", str(tmp_path / "mine"))
    assert default_cache() == tmp_path / "mine"


def test_what_was_never_decoded_cannot_be_reopened(tmp_path: Path) -> None:
    assert reopen_data(DataSettings(path=str(tmp_path)), "0123", tmp_path) is None


def test_the_task_is_known_before_anything_is_decoded(tmp_path: Path) -> None:
    write_pictures(tmp_path / "train", {"a": 4, "b": 4}, size=12)
    settings = DataSettings(path=str(tmp_path))
    assert task_of(settings) == Task(channels=1, height=12, width=12, classes=2)
    with pytest.raises(InputError, match="on the hub"):
        task_of(DataSettings(path="hub:someone/something"))


def test_decoded_images_are_reopened_by_their_fingerprint(tmp_path: Path) -> None:
    write_pictures(tmp_path / "train", {"a": 9, "b": 9})
    settings = DataSettings(path=str(tmp_path))
    opened = open_data(settings, tmp_path / "cache")
    again = reopen_data(settings, opened.fingerprint, tmp_path / "cache")
    assert again is not None and again.task == opened.task
    for name, split in opened.splits.items():
        assert np.array_equal(again.splits[name].images, split.images)
    assert reopen_data(DataSettings(), open_data(DataSettings()).fingerprint) is None
