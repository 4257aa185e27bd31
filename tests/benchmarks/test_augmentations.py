"""The benchmark of augmentations trains on what it says, and pairs its differences."""

import argparse
from pathlib import Path

from experiments.benchmarks.augmentations import Reached, cells, interval, linked


def test_classes_keep_fewer_and_fewer_images_and_none_is_measured_on(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / "images" / "train" / name).mkdir(parents=True)
        for number in range(60):
            (tmp_path / "images" / "train" / name / f"{number:02}.png").touch()
    options = argparse.Namespace(each=40, measured=10)
    folder = linked(tmp_path / "images", tmp_path / "uneven", options, 4.0)
    files = {
        split: {name: {file.name for file in (folder / split / name).iterdir()} for name in "abc"}
        for split in ("train", "val", "test")
    }
    assert [len(files["train"][name]) for name in "abc"] == [40, 20, 10]
    assert all(len(files["test"][name]) == 10 for name in "abc")
    assert not any(files["train"][name] & files["test"][name] for name in "abc")


def test_differences_are_paired() -> None:
    first = [Reached(10.0, 20.0), Reached(50.0, 60.0)]
    better = [Reached(11.0, 20.0), Reached(51.0, 60.0)]
    assert cells(first, first) == ["30.00 %", "", "40.00 %", ""]
    expected = ["31.00 %", "+1.00 (+1.00 to +1.00)", "40.00 %", "+0.00 (+0.00 to +0.00)"]
    assert cells(better, first) == expected
    assert interval([1.0, 2.0, 3.0]) == "+2.00 (-0.48 to +4.48)"
