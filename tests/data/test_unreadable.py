"""Folders as people have them: what is left out is named, and what cannot be learned is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gensynth.data.open import open_data
from gensynth.data.sets import DataSettings
from gensynth.errors import InputError
from tests.support.trainings import write_pictures


def drawn_in_alpha(folder: Path, colour: int) -> DataSettings:
    """Two classes of pictures of one colour, whose transparency tells them apart."""
    for name, row in (("high", 2), ("low", 9)):
        (folder / name).mkdir(parents=True)
        for column in range(10):
            alpha = np.zeros((12, 12), dtype=np.uint8)
            alpha[row, : column + 1] = 255
            picture = Image.new("RGB", (12, 12), (colour,) * 3)
            picture.putalpha(Image.fromarray(alpha))
            picture.save(folder / name / f"{column}.png")
    return DataSettings(str(folder))


def test_pictures_drawn_in_the_alpha_channel_are_seen(tmp_path: Path) -> None:
    data = open_data(drawn_in_alpha(tmp_path / "black", 0), tmp_path / "cache")
    images = data.splits["train"].images
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) > 5
    assert data.preprocessing((12, 12)).background == 255


def test_images_that_are_all_equal_are_refused_in_one_line(tmp_path: Path) -> None:
    white, cache = drawn_in_alpha(tmp_path / "white", 255), tmp_path / "cache"
    for _ in range(2):  # The second time, they come from the cache.
        with pytest.raises(InputError, match="all 12 training images have the same pixels"):
            open_data(white, cache)
    seen = DataSettings(white.path, background=0)
    data = open_data(seen, cache)
    assert data.splits["train"].images.max() == 255 and data.preprocessing((8, 8)).background == 0


def test_twelve_bits_keep_their_levels(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "deep" / name).mkdir(parents=True)
        for number in range(8):
            values = rng.integers(0, 4_096, (16, 16)).astype(np.uint16)
            Image.fromarray(values).save(tmp_path / "deep" / name / f"{number}.png")
    data = open_data(DataSettings(str(tmp_path / "deep")), tmp_path / "cache")
    assert len(np.unique(data.splits["train"].images)) > 250
    assert 4_000 < data.preprocessing((16, 16)).white < 4_096


def test_one_dead_link_among_many_files_is_left_out_and_named(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    write_pictures(folder, {"cat": 75, "dog": 75})
    (folder / "dog" / "moved away.jpg").symlink_to("nowhere.jpg")
    data = open_data(DataSettings(str(folder)), tmp_path / "cache")
    assert "1 of 151 images cannot be read" in data.left_out
    assert "dog/moved away.jpg (No such file or directory)" in data.left_out
    assert sum(map(len, data.splits.values())) == 150


def test_classes_of_another_level_are_another_data_set(tmp_path: Path) -> None:
    for name in ("fruit/apple", "fruit/kiwi", "milk/arla"):
        write_pictures(tmp_path / "shop", {name: 6}, seed=len(name))
    outer = open_data(DataSettings(str(tmp_path / "shop")), tmp_path / "cache")
    inner = open_data(DataSettings(str(tmp_path / "shop"), class_level=0), tmp_path / "cache")
    assert outer.class_names == ("fruit", "milk") and "class_level" in outer.nested
    assert inner.class_names == ("fruit/apple", "fruit/kiwi", "milk/arla") and not inner.nested
    assert inner.fingerprint != outer.fingerprint
