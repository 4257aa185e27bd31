"""Data sets: images as uint8 arrays in three splits, the same ones for the same settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gensynth.errors import InputError
from gensynth.space import Task

Progress = Callable[[int, int], None]
"""Told (done, total) while images are decoded."""


LARGEST = 4096
"""Height and width in pixels beyond which no cache of images is made."""


@dataclass(frozen=True)
class DataSettings:
    """Which images, and how they are split; the `[data]` table of an experiment."""

    path: str = "digits"
    """`digits` (embedded), an image folder, or `hub:NAME` of the Hugging Face hub."""
    image_size: int | None = None
    """Height and width in pixels to which images are decoded; None keeps the data's own."""
    channels: Literal[1, 3] | None = None
    """1 = grey, 3 = colour; None = colour if any image has it."""
    validation_share: float = 0.2
    """Of the images without a split of their own; used where there is no validation split."""
    test_share: float = 0.2
    """The same for the test split."""
    split_seed: int = 0
    unreadable_share: float = 0.01
    """Up to this share of unreadable images is skipped; more of them stop the run."""

    def __post_init__(self) -> None:
        """Refuse what names no folder, and shares and sizes that leave nothing."""
        if not self.path.strip() or "\0" in self.path:
            raise InputError(
                "path", f"{self.path!r} names no folder; expected `digits` or a folder"
            )
        for name in ("validation_share", "test_share"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(name, f"expected between 0 and 1, got {getattr(self, name)}")
        if self.validation_share + self.test_share >= 1:
            raise InputError("test_share", "validation and test leave nothing to train on")
        if not 0 <= self.unreadable_share < 1:
            raise InputError("unreadable_share", f"expected 0 to 1, got {self.unreadable_share}")
        if self.image_size is not None and not 4 <= self.image_size <= LARGEST:
            problem = f"expected 4 to {LARGEST} pixels, got {self.image_size}"
            raise InputError("image_size", problem)
        if self.split_seed < 0:
            raise InputError("split_seed", f"expected 0 or more, got {self.split_seed}")


@dataclass(frozen=True)
class Split:
    """Images uint8 (N, C, H, W), in memory or mapped from a file, and labels int64 (N,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the images."""
        return len(self.labels)


@dataclass(frozen=True)
class DataSet:
    """Images in the splits `train`, `validation` and `test`."""

    task: Task
    class_names: tuple[str, ...]
    splits: Mapping[str, Split]
    mean: tuple[float, ...]
    """Per channel, of the train split, with pixels scaled to 0..1."""
    std: tuple[float, ...]
    fingerprint: str
    """Of content, classes and splits; the same wherever the files lie."""
    left_out: str = ""
    """Which images could not be read, in a sentence; empty where all could."""
    repeated: str = ""
    """Which files stand in several splits or classes, in a sentence; empty where none does."""


def statistics(images: NDArray[np.uint8]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Give mean and standard deviation per channel of (N, C, H, W), pixels scaled to 0..1.

    A constant channel gets the standard deviation 1, so that dividing by it is harmless.
    """
    means, stds = [], []
    for channel in range(images.shape[1]):
        # A histogram is exact, and never holds the images as floats.
        counts = np.zeros(256, dtype=np.int64)
        for start in range(0, len(images), 4096):
            chunk = images[start : start + 4096, channel]
            counts += np.bincount(chunk.reshape(-1), minlength=256)
        levels = np.arange(256) / 255
        mean = float(counts @ levels / counts.sum())
        variance = float(counts @ (levels - mean) ** 2 / counts.sum())
        means.append(mean)
        stds.append(variance**0.5 or 1.0)
    return tuple(means), tuple(stds)
