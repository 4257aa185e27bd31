"""Data sets: images as uint8 arrays in three splits, determined by the settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gensynth.data.balance import imbalance
from gensynth.data.preprocessing import LARGEST, Chain, Preprocessing, decoding
from gensynth.errors import InputError
from gensynth.space import Task

Progress = Callable[[int, int], None]
"""Called with (done, total) while images are decoded."""

HUB = "hub:"
"""Prefix of the path of a data set of the Hugging Face hub."""


@dataclass(frozen=True)
class DataSettings:
    """Which images to use and how to split them; the `[data]` table of an experiment."""

    path: str = "digits"
    """`digits` (embedded), an image folder, or `hub:NAME` for the Hugging Face hub."""
    image_size: int | None = None
    """Resize images to this height and width, in pixels; None = keep their size."""
    channels: Literal[1, 3] | None = None
    """1 = grey, 3 = colour; None = colour if any image has colour."""
    validation_share: float = 0.2
    """Share of the training images to hold out if there is no validation folder."""
    test_share: float = 0.2
    """Share of the training images to hold out if there is no test folder."""
    split_seed: int = 0
    """Random seed that decides which images are held out."""
    unreadable_share: float = 0.01
    """Largest share of unreadable images that is skipped; more are an error."""
    class_level: int = 1
    """Which folders are the classes: 1 = the outermost, 2 = those inside these, and so on; 0 =
    those that hold the images, however deep."""
    background: int = 255
    """Grey level, 0 to 255, behind transparent pixels."""
    chain: Chain | None = None
    """How pictures become inputs. `one_resize` brings each to the size of the network's own input
    at once; `two_resizes` to the size of the data first, as earlier versions did. None = what the
    campaign began with, `one_resize` for a new one."""

    def __post_init__(self) -> None:
        """Raise `InputError` for an impossible path, and shares or sizes out of range."""
        if not self.path.strip() or "\0" in self.path:
            raise InputError("path", f"expected `digits` or a folder, got {self.path!r}")
        for name in ("validation_share", "test_share"):
            if not 0 < getattr(self, name) < 1:
                problem = f"must be greater than 0 and less than 1, got {getattr(self, name)}"
                raise InputError(name, problem)
        if self.validation_share + self.test_share >= 1:
            problem = (
                "with validation_share, must be less than 1, or no images are left to train on"
            )
            raise InputError("test_share", problem)
        if not 0 <= self.unreadable_share < 1:
            problem = f"must be at least 0 and less than 1, got {self.unreadable_share}"
            raise InputError("unreadable_share", problem)
        if self.image_size is not None and not 4 <= self.image_size <= LARGEST:
            problem = f"must be from 4 to {LARGEST} pixels, got {self.image_size}"
            raise InputError("image_size", problem)
        if self.class_level < 0:
            raise InputError("class_level", f"must be at least 0, got {self.class_level}")
        if not 0 <= self.background <= 255:
            raise InputError("background", f"must be from 0 to 255, got {self.background}")
        if self.split_seed < 0:
            raise InputError("split_seed", f"must be at least 0, got {self.split_seed}")


def with_chain(settings: DataSettings, default: Chain = "one_resize") -> DataSettings:
    """Return the settings with a stated chain; experiments of earlier versions state none."""
    return settings if settings.chain is not None else replace(settings, chain=default)


@dataclass(frozen=True)
class Split:
    """Images uint8 (N, C, H, W), in memory or mapped from a file, and labels int64 (N,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)


@dataclass(frozen=True)
class DataSet:
    """Images in the splits `train`, `validation` and `test`."""

    task: Task
    class_names: tuple[str, ...]
    splits: Mapping[str, Split]
    mean: tuple[float, ...]
    """Mean of each channel over the train split, with pixels scaled to 0..1."""
    std: tuple[float, ...]
    """Standard deviation of each channel, likewise."""
    fingerprint: str
    """Digest of content, classes and splits; independent of the location of the files."""
    left_out: str = ""
    """A sentence about images that cannot be read; empty if all can."""
    repeated: str = ""
    """A sentence about files that occur in several splits or classes; empty if none do."""
    nested: str = ""
    """A sentence about folders inside the class folders; empty if there are none."""
    white: int = 0
    """Largest value of the 16-bit pictures; 0 if there are none."""
    background: int = 255
    """Grey level behind transparent pixels."""
    chain: Chain | None = None
    """How its pictures were decoded; None = the present chain."""

    @property
    def imbalanced(self) -> str:
        """A sentence about classes with different numbers of images; empty if they are even."""
        counts = np.bincount(self.splits["train"].labels, minlength=self.task.classes)
        return imbalance(self.class_names, counts.tolist())

    def preprocessing(self, size: tuple[int, int]) -> Preprocessing:
        """Return how a picture becomes the input, of `size` (height, width), of a network."""
        task = self.task
        facts = (task.channels, task.height, task.width, self.white, self.background)
        how = decoding(self.chain, *facts)
        then = size if size != (task.height, task.width) else None
        return replace(how, mean=self.mean, std=self.std, then=then)


def statistics(images: NDArray[np.uint8]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel of (N, C, H, W), scaled to 0..1.

    The standard deviation of a constant channel is reported as 1, so that dividing by it is safe.
    """
    means, stds = [], []
    for channel in range(images.shape[1]):
        # A histogram is exact and does not need the images as floats.
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
