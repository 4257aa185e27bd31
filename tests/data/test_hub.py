import sys
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from gensynth.data import hub as hub_data
from gensynth.data.open import open_data
from gensynth.data.sets import DataSettings
from gensynth.errors import InputError

FEATURES = datasets.Features(
    {"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b/c"])}
)


def stored(folder: Path, features: datasets.Features = FEATURES, split: str = "train") -> Path:
    """Write a data set as the hub stores it, and give its folder."""
    rng = np.random.default_rng(0)
    images = [Image.fromarray(rng.integers(0, 256, (6, 6), dtype=np.uint8)) for _ in range(12)]
    columns = {"image": images, "label": [number % 2 for number in range(12)]}
    chosen = {name: columns[name] for name in features}
    folder.mkdir(parents=True, exist_ok=True)
    datasets.Dataset.from_dict(chosen, features=features).to_parquet(folder / f"{split}-0.parquet")
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "huggingface")


def test_every_class_has_a_folder_of_its_own() -> None:
    names = hub_data.folder_names(["a/b", "a_b", "..", ".net", "", "x\ny", "plain"])
    assert names == ["a_b", "a_b_1", "_..", "_.net", "_", "x_y", "plain"]


def test_a_stored_data_set_is_opened_like_a_folder(tmp_path: Path) -> None:
    settings = DataSettings(path=f"hub:{stored(tmp_path / 'set')}")
    data = open_data(settings, tmp_path / "cache")
    assert data.class_names == ("a", "b_c")
    assert data.task.channels == 1
    assert (data.task.height, data.task.width) == (6, 6)
    assert sum(map(len, data.splits.values())) == 12


def test_it_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = DataSettings(path=f"hub:{stored(tmp_path / 'set')}")
    first = open_data(settings, tmp_path / "cache")

    def refuse(name: str) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr(hub_data, "_load", refuse)
    assert open_data(settings, tmp_path / "cache").fingerprint == first.fingerprint


def test_a_name_that_is_not_there_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise FileNotFoundError(f"no {name}\non the hub")

    monkeypatch.setattr(datasets, "load_dataset", missing)
    with pytest.raises(InputError, match="hub:nobody/nothing: cannot be loaded") as error:
        open_data(DataSettings(path="hub:nobody/nothing"), tmp_path)
    assert "\n" not in str(error.value)


def test_without_the_library_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match=r'pip install "datasets'):
        open_data(DataSettings(path="hub:mnist"), tmp_path)


def test_a_data_set_without_labels_is_refused(tmp_path: Path) -> None:
    only_images = datasets.Features({"image": datasets.Image()})
    folder = stored(tmp_path / "set", only_images)
    with pytest.raises(InputError, match="one column of type ClassLabel, found none"):
        open_data(DataSettings(path=f"hub:{folder}"), tmp_path / "cache")
    assert not list((tmp_path / "cache" / "hub").glob("*.partial"))


def test_a_data_set_without_a_train_split_is_refused(tmp_path: Path) -> None:
    folder = stored(tmp_path / "set", split="test")
    with pytest.raises(InputError, match="expected a train split"):
        open_data(DataSettings(path=f"hub:{folder}"), tmp_path / "cache")
