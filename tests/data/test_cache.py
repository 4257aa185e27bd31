from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gensynth.data.cache import HEADER, IMAGES, LABELS, Decoded, load, write


def pictures() -> Iterator[Decoded]:
    for split, count in (("train", 5), ("validation", 2), ("test", 3)):
        for number in range(count):
            yield Decoded(split, number % 2, np.full((1, 2, 3), number + 1, dtype=np.uint8))
    yield Decoded("test", 0, None)


def test_what_was_written_is_loaded(tmp_path: Path) -> None:
    write(tmp_path / "key", ("a", "b"), (1, 2, 3), pictures())
    loaded = load(tmp_path / "key")
    assert loaded is not None
    data, header = loaded
    assert data.fingerprint == "key"
    assert data.class_names == ("a", "b")
    assert data.splits["train"].images[:, 0, 0, 0].tolist() == [1, 2, 3, 4, 5]
    assert data.splits["test"].labels.tolist() == [0, 1, 0]
    assert data.mean == pytest.approx((3 / 255,))
    assert header.skipped == 1
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize("name", [HEADER, IMAGES, LABELS])
@pytest.mark.parametrize("way", ["missing", "truncated", "longer"])
def test_a_part_that_is_not_whole_is_no_data_set(name: str, way: str, tmp_path: Path) -> None:
    write(tmp_path / "key", ("a", "b"), (1, 2, 3), pictures())
    file = tmp_path / "key" / name
    data = file.read_bytes()
    if way == "missing":
        file.unlink()
    else:
        file.write_bytes(data[:-1] if way == "truncated" else data + b"12345678")
    assert load(tmp_path / "key") is None


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (LABELS, b"\x01", b"\x00"),
        (HEADER, b'"std":[', b'"std":[1.0,'),
        (HEADER, b'["a","b"]', b'["a"]'),
    ],
)
def test_parts_that_do_not_belong_together_are_no_data_set(
    name: str, old: bytes, new: bytes, tmp_path: Path
) -> None:
    write(tmp_path / "key", ("a", "b"), (1, 2, 3), pictures())
    file = tmp_path / "key" / name
    data = file.read_bytes()
    assert old in data
    file.write_bytes(data.replace(old, new, 1))
    assert load(tmp_path / "key") is None


def test_an_error_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[Decoded]:
        yield from pictures()
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        write(tmp_path / "key", ("a", "b"), (1, 2, 3), broken())
    assert list(tmp_path.iterdir()) == []


def test_writing_to_the_mapped_images_does_not_reach_the_file(tmp_path: Path) -> None:
    write(tmp_path / "key", ("a", "b"), (1, 2, 3), pictures())
    before = (tmp_path / "key" / IMAGES).read_bytes()
    loaded = load(tmp_path / "key")
    assert loaded is not None
    loaded[0].splits["train"].images[:] = 0
    assert (tmp_path / "key" / IMAGES).read_bytes() == before
