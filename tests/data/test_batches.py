import numpy as np
import pytest
import torch

from gensynth.data import batches
from gensynth.data.batches import Batches
from gensynth.data.sets import DataSet, Split, statistics
from gensynth.space import Task

CPU = torch.device("cpu")


def data_set(count: int = 20, channels: int = 3) -> DataSet:
    rng = np.random.default_rng(0)

    def split(size: int) -> Split:
        images = rng.integers(0, 256, (size, channels, 8, 6), dtype=np.uint8)
        return Split(images, rng.integers(0, 2, size))

    splits = {"train": split(count), "validation": split(7), "test": split(7)}
    mean, std = statistics(splits["train"].images)
    return DataSet(Task(channels, 8, 6, 2), ("a", "b"), splits, mean, std, "0")


def test_train_images_come_normalised() -> None:
    data = data_set(count=200)
    images, labels = Batches(data, ("train",), (8, 6), CPU, torch.contiguous_format).at(
        torch.arange(200)
    )
    assert images.dtype == torch.float32
    assert images.mean((0, 2, 3)).tolist() == pytest.approx([0.0] * 3, abs=1e-4)
    assert images.std((0, 2, 3)).tolist() == pytest.approx([1.0] * 3, abs=1e-3)
    assert labels.tolist() == data.splits["train"].labels.tolist()


@pytest.mark.parametrize("size", [(8, 6), (12, 12), (4, 4)])
def test_large_and_small_splits_give_the_same(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, index = data_set(), torch.tensor([3, 0, 11])
    kept = Batches(data, ("train",), size, CPU, torch.channels_last)
    monkeypatch.setattr(batches, "PRELOAD_BYTES", 0)
    mapped = Batches(data, ("train",), size, CPU, torch.channels_last)
    assert mapped.images.dtype == torch.uint8
    for first, second in zip(kept.at(index), mapped.at(index), strict=True):
        assert torch.allclose(first.float(), second.float(), atol=1e-5)
    assert mapped.at(index)[0].shape == (3, 3, *size)
    assert mapped.at(index)[0].is_contiguous(memory_format=torch.channels_last)


def test_a_large_split_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "PRELOAD_BYTES", 0)
    data = data_set()
    view = Batches(data, ("train",), (8, 6), CPU, torch.contiguous_format).images
    assert view.data_ptr() == data.splits["train"].images.ctypes.data


def test_in_order_gives_every_image_once() -> None:
    whole = Batches(data_set(), ("train", "validation"), (8, 6), CPU, torch.contiguous_format)
    assert len(whole) == 27
    parts = list(whole.in_order(8))
    assert [len(labels) for _, labels in parts] == [8, 8, 8, 3]
    images, labels = whole.at(torch.arange(27))
    assert torch.equal(torch.cat([part for part, _ in parts]), images)
    assert torch.equal(torch.cat([part for _, part in parts]), labels)
