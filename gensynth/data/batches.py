"""Batches of images on the training device, normalised and resized."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gensynth.data.sets import DataSet, Split

PRELOAD_BYTES = 32 * 2**20
"""Splits up to this size (as float32) are normalised once and kept."""
RESIDENT_SHARE = 0.25
"""Larger splits stay on a GPU, as uint8, if they take at most this share of its memory."""


@dataclass(frozen=True)
class Normal:
    """How images are normalised: `(pixels - mean) / std`, with pixels from 0 to 1."""

    mean: Tensor
    """(C, 1, 1)."""
    std: Tensor
    """(C, 1, 1)."""


class Batches:
    """The images of some splits of a data set, one split after the other, ready for training."""

    def __init__(
        self,
        data: DataSet,
        splits: tuple[str, ...],
        size: tuple[int, int],
        device: torch.device,
        layout: torch.memory_format,
    ) -> None:
        """Prepare images of `size` (height, width) in the memory `layout` for `device`."""
        chosen = [data.splits[name] for name in splits]
        self.size, self.device, self.layout = size, device, layout
        self.mean = torch.tensor(data.mean, device=device)[:, None, None] * 255
        self.scale = 1 / (torch.tensor(data.std, device=device)[:, None, None] * 255)
        images = _joined(chosen)
        self._ready = images.numel() * 4 <= PRELOAD_BYTES
        if self._ready:
            self.images = self._prepared(images)
        else:
            self.images = images.to(device) if _fits(images, device) else images
        labels = torch.cat([torch.from_numpy(split.labels) for split in chosen])
        self.labels = labels.to(self.place)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    @property
    def place(self) -> torch.device:
        """Device that holds the images; an index for `at` should be there too."""
        return self.images.device

    @property
    def normal(self) -> Normal:
        """How the images are normalised."""
        return Normal(self.mean / 255, 1 / (255 * self.scale))

    def at(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images, float32 (N, C, H, W), and labels, int64 (N,), at `index` (N,)."""
        return self._on_device(self.images[index], self.labels[index])

    def in_order(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all images and labels once, in order; the last batch may be smaller."""
        for start in range(0, len(self), batch_size):
            rows = slice(start, start + batch_size)
            yield self._on_device(self.images[rows], self.labels[rows])

    def _on_device(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        prepared = images if self._ready else self._prepared(images)
        return prepared, labels.to(self.device, non_blocking=True)

    def _prepared(self, images: Tensor) -> Tensor:
        floats = images.to(self.device, non_blocking=True).to(torch.float32)
        floats = floats.sub_(self.mean).mul_(self.scale)
        if floats.shape[-2:] != self.size:
            floats = functional.interpolate(floats, self.size, mode="bilinear", antialias=True)
        return floats.contiguous(memory_format=self.layout)


def _joined(splits: list[Split]) -> Tensor:
    """Return a single split without a copy (it stays a mapped file); copy several into memory."""
    arrays = [split.images for split in splits]
    return torch.from_numpy(arrays[0] if len(arrays) == 1 else np.concatenate(arrays))


def _fits(images: Tensor, device: torch.device) -> bool:
    """Return whether `device` is a GPU that should hold the images, next to other trainings."""
    if device.type != "cuda":
        return False
    memory = torch.cuda.get_device_properties(device).total_memory
    return images.numel() <= RESIDENT_SHARE * memory
