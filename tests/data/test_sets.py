from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gensynth.data.open import default_cache, open_data, reopen_data
from gensynth.data.sets import DataSet, DataSettings, statistics
from gensynth.errors import InputError
from gensynth.serialization import from_plain
from gensynth.space import Task


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


def test_statistics_are_those_of_the_floats() -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, 3, 5, 7), dtype=np.uint8)
    mean, std = statistics(images)
    assert mean == pytest.approx((images / 255).mean((0, 2, 3)))
    assert std == pytest.approx((images / 255).std((0, 2, 3)))


def test_a_constant_channel_can_be_divided_by() -> None:
    mean, std = statistics(np.full((4, 1, 3, 3), 7, dtype=np.uint8))
    assert mean == pytest.approx((7 / 255,))
    assert std == (1.0,)


@pytest.mark.parametrize("change", [{"image_size": 16}, {"channels": 3}])
def test_digits_are_what_they_are(change: dict[str, int]) -> None:
    with pytest.raises(InputError, match="for digits"):
        open_data(replace(DataSettings(), **change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("validation_share", 0.0),
        ("test_share", 0.9),
        ("unreadable_share", 1.0),
        ("image_size", 2),
        ("split_seed", -1),
    ],
)
def test_impossible_settings_name_their_field(field: str, value: float) -> None:
    with pytest.raises(InputError) as error:
        from_plain(DataSettings, {field: value}, "data")
    assert error.value.place == f"data.{field}"


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
