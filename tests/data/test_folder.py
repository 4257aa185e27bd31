import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gensynth.data import cache as image_cache
from gensynth.data import folder as folder_data
from gensynth.data.open import open_data, reopen_data
from gensynth.data.picture import decode
from gensynth.data.preprocessing import Preprocessing
from gensynth.data.sets import DataSettings, Split
from gensynth.errors import InputError
from gensynth.space import Task
from gensynth.training.loop import train
from tests.support.trainings import QUICK, job, write_pictures

CLASSES = {"cat": 20, "dog": 10}


def settings(folder: Path, **changes: object) -> DataSettings:
    return replace(DataSettings(path=str(folder)), **changes)  # type: ignore[arg-type]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "pictures", CLASSES)
    return tmp_path / "pictures"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def rows(split: Split) -> set[tuple[bytes, int]]:
    return {(i.tobytes(), int(n)) for i, n in zip(split.images, split.labels, strict=True)}


def test_every_picture_lands_in_one_split_with_its_label(pictures: Path, cache: Path) -> None:
    data = open_data(settings(pictures), cache)
    assert data.task == Task(channels=1, height=8, width=8, classes=2)
    assert data.class_names == ("cat", "dog")
    assert {name: len(split) for name, split in data.splits.items()} == {
        "train": 18,
        "validation": 6,
        "test": 6,
    }
    found = [rows(split) for split in data.splits.values()]
    written = {
        (np.asarray(Image.open(path)).tobytes(), data.class_names.index(path.parent.name))
        for path in pictures.rglob("*.png")
    }
    assert set.union(*found) == written
    assert sum(map(len, found)) == len(written), "the splits are disjoint"
    for split in data.splits.values():
        assert np.bincount(split.labels).tolist() == [2 * len(split) // 3, len(split) // 3]


def test_images_are_mapped_not_read(pictures: Path, cache: Path) -> None:
    images = open_data(settings(pictures), cache).splits["train"].images
    assert isinstance(images.base, np.memmap) or isinstance(images, np.memmap)


def test_what_was_decoded_is_not_decoded_again(
    pictures: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_data(settings(pictures), cache)

    def refuse(*_: object) -> None:
        raise AssertionError("decoded twice")

    monkeypatch.setattr(folder_data, "decode", refuse)
    assert open_data(settings(pictures), cache).fingerprint == first.fingerprint
    for path in pictures.rglob("*.png"):
        os.utime(path)
    assert open_data(settings(pictures), cache).fingerprint == first.fingerprint
    moved = pictures.rename(pictures.with_name("moved"))
    assert open_data(settings(moved), cache).fingerprint == first.fingerprint
    again = reopen_data(settings(moved), first.fingerprint, cache)
    assert again is not None
    assert rows(again.splits["test"]) == rows(first.splits["test"])


def test_progress_ends_at_the_total(pictures: Path, cache: Path) -> None:
    seen: list[tuple[int, int]] = []
    open_data(settings(pictures), cache, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (60, 60)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_own_splits_are_kept_and_missing_ones_are_made(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "split"
    write_pictures(folder / "train", CLASSES)
    write_pictures(folder / "val", {"cat": 3, "dog": 2}, seed=1)
    data = open_data(settings(folder), cache)
    assert {name: len(split) for name, split in data.splits.items()} == {
        "train": 24,
        "validation": 5,
        "test": 6,
    }
    own = {np.asarray(Image.open(path)).tobytes() for path in (folder / "val").rglob("*.png")}
    assert {row for row, _ in rows(data.splits["validation"])} == own


def test_grey_stays_grey_and_one_colour_image_makes_colour(pictures: Path, cache: Path) -> None:
    assert open_data(settings(pictures), cache).task.channels == 1
    assert open_data(settings(pictures, channels=3), cache).task.channels == 3
    write_pictures(pictures, {"dog": 1}, channels=3)
    assert open_data(settings(pictures), cache).task.channels == 3
    assert open_data(settings(pictures, channels=1), cache).task.channels == 1


def test_images_of_several_sizes_need_an_image_size(pictures: Path, cache: Path) -> None:
    Image.new("L", (12, 6)).save(pictures / "dog" / "wide.png")
    with pytest.raises(InputError, match=r"8x8 pixels and dog/wide\.png 12x6 pixels"):
        open_data(settings(pictures), cache)
    assert open_data(settings(pictures, image_size=10), cache).task.height == 10


def test_a_network_trains_on_a_folder(pictures: Path, cache: Path, tmp_path: Path) -> None:
    data = settings(pictures, image_size=10)
    fingerprint = open_data(data, cache).fingerprint
    begun = job(tmp_path / "job", replace(QUICK, data_share=1.0), data=data, cache=str(cache))
    curve = list(train(replace(begun, data_fingerprint=fingerprint)))
    assert len(curve) == 4
    with pytest.raises(InputError, match="the data has changed"):
        next(train(replace(begun, data_fingerprint="0123")))


def damage(folder: Path, count: int) -> None:
    for number, path in enumerate(sorted(folder.rglob("*.png"))[:count]):
        data = path.read_bytes()
        ways = (b"", data[: len(data) // 2], b"no picture at all", data[:30] + bytes(40))
        path.write_bytes(ways[number % len(ways)])


def test_a_few_damaged_files_are_skipped_counted_and_listed(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "many"
    write_pictures(folder, {"cat": 150, "dog": 150})
    damage(folder, 100)
    with pytest.raises(InputError, match="100 of 300 images cannot be read") as error:
        open_data(settings(folder), cache)
    listed = Path(str(error.value).rsplit("those in ", 1)[1])
    assert len(listed.read_text().splitlines()) == 100
    assert not [path for path in cache.iterdir() if (path / "header.json").exists()]
    data = open_data(settings(folder, unreadable_share=0.4), cache)
    assert data.left_out.startswith("100 of 300 images cannot be read and are left out; ")
    assert "; cat/0000.png (not an image in a known format), cat/0003.png" in data.left_out
    assert data.left_out.count(".png (") == 5 and data.left_out.endswith(f"; see {listed}")
    assert "cat/0000.png (not an image in a known format)" in str(error.value)
    assert sum(map(len, data.splits.values())) == 200
    with pytest.raises(InputError, match="100 of 300 images cannot be read"):
        open_data(settings(folder), cache)


def test_a_class_that_cannot_be_read_is_named(pictures: Path, cache: Path) -> None:
    for path in (pictures / "dog").iterdir():
        path.write_bytes(b"damaged")
    with pytest.raises(InputError, match="no image of class 'dog' can be read"):
        open_data(settings(pictures, unreadable_share=0.9), cache)


def test_a_folder_that_changes_while_it_is_decoded_is_refused(
    pictures: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(path: str, sha256: str, how: Preprocessing) -> object:
        Image.new("L", (8, 8), 7).save(pictures / "cat" / "0003.png")
        return decode(path, sha256, how)

    monkeypatch.setattr(folder_data, "decode", late)
    with pytest.raises(InputError, match=r"0003\.png: changed while the folder was decoded"):
        open_data(settings(pictures), cache)
    monkeypatch.undo()
    assert sum(map(len, open_data(settings(pictures), cache).splits.values())) == 30


def test_a_folder_that_changed_since_is_another_data_set(pictures: Path, cache: Path) -> None:
    before = open_data(settings(pictures), cache).fingerprint
    (pictures / "cat" / "0003.png").unlink()
    assert open_data(settings(pictures), cache).fingerprint != before


def test_other_content_of_the_same_size_and_time_is_seen(tmp_path: Path, cache: Path) -> None:
    found = []
    for number, name in enumerate(("one", "two")):
        write_pictures(tmp_path / name, CLASSES, seed=number)
        for path in (tmp_path / name).rglob("*.png"):
            Image.open(path).save(path.with_suffix(".bmp"))
            path.unlink()
        for path in (tmp_path / name).rglob("*.bmp"):
            os.utime(path, (0, 0))
        found.append(open_data(settings(tmp_path / name), cache).fingerprint)
    assert found[0] != found[1]


def test_files_of_one_content_in_several_places_are_told(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "split"
    write_pictures(folder / "train", CLASSES)
    write_pictures(folder / "val", CLASSES, seed=1)
    write_pictures(folder / "test", CLASSES, seed=2)
    assert open_data(settings(folder), cache).repeated == ""
    shutil.copy(folder / "train/cat/0003.png", folder / "test/dog/0000.png")
    for _ in range(2):
        said = open_data(settings(folder), cache).repeated
        assert "1 image of validation or test is also in a split that is trained on" in said
        assert "1 image is also in another class" in said
        assert said.endswith("test/dog/0000.png is the same as train/cat/0003.png")


def test_a_name_that_is_no_utf_8_is_listed(pictures: Path, cache: Path) -> None:
    Path(os.fsdecode(os.fsencode(pictures / "cat") + b"/\xff.png")).write_bytes(b"damaged")
    listed = open_data(settings(pictures, unreadable_share=0.5), cache).left_out.split("see ")[1]
    assert "udcff.png" in Path(listed).read_text(encoding="utf-8")


def test_a_damaged_index_is_not_used(pictures: Path, cache: Path) -> None:
    before = open_data(settings(pictures), cache).fingerprint
    for index in (cache / "listings").iterdir():
        index.write_bytes(b"\xff\xfe")
    assert open_data(settings(pictures), cache).fingerprint == before


def test_a_damaged_cache_is_not_used(pictures: Path, cache: Path) -> None:
    data = open_data(settings(pictures), cache)
    before = rows(data.splits["test"])
    file = cache / data.fingerprint / image_cache.IMAGES
    file.write_bytes(file.read_bytes()[:-1])
    assert rows(open_data(settings(pictures), cache).splits["test"]) == before


def test_a_full_disk_is_one_line_and_leaves_nothing(
    pictures: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(image_cache, "_sync", full)
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device\)"):
        open_data(settings(pictures), cache)
    assert not [path.name for path in cache.iterdir() if "partial" in path.name]


KILLED = """
import sys, time
from pathlib import Path
from gensynth.data import folder as folder_data
from gensynth.data.open import open_data
from gensynth.data.sets import DataSettings

decode, count = folder_data.decode, 0

def slowly(*arguments):
    global count
    count += 1
    if count == 20:
        Path(sys.argv[3]).touch()
        time.sleep(900)
    return decode(*arguments)

folder_data.decode = slowly
open_data(DataSettings(path=sys.argv[1]), Path(sys.argv[2]))
"""


def test_a_killed_decode_leaves_nothing_that_is_used(
    pictures: Path, cache: Path, tmp_path: Path
) -> None:
    reached = tmp_path / "reached"
    command = [sys.executable, "-c", KILLED, str(pictures), str(cache), str(reached)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    while not reached.exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [path.name for path in cache.iterdir() if path.name.endswith(".partial")]
    data = open_data(settings(pictures), cache)
    assert sum(map(len, data.splits.values())) == 30
    assert not [path.name for path in cache.iterdir() if path.name.endswith(".partial")]
