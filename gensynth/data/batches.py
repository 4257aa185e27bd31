"""Batches of a split on the training device: chosen, normalised, resized, all at once."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gensynth.data.sets import DataSet, Split

PRELOAD_BYTES = 32 * 2**20
"""Up to this size a split is normalised once and kept as float32."""
RESIDENT_SHARE = 0.25
"""Up to this share of a GPU's memory a split is kept there, as uint8."""


class Batches:
    """The images of some splits of a data set, one after the other, as training takes them."""

    def __init__(
        self,
        data: DataSet,
        splits: tuple[str, ...],
        size: tuple[int, int],
        device: torch.device,
        layout: torch.memory_format,
    ) -> None:
        """Prepare to give images of `size` (height, width) in memory `layout` on `device`."""
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
        """Count the images."""
        return len(self.labels)

    @property
    def place(self) -> torch.device:
        """Where the images lie, and the index of `at` should: the host, if a GPU is too small."""
        return self.images.device

    def at(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Give images float32 (N, C, H, W) and labels (N,) at `index` int64 (N,), on the device."""
        return self._given(self.images[index], self.labels[index])

    def in_order(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Give all images once, in their order."""
        for start in range(0, len(self), batch_size):
            rows = slice(start, start + batch_size)
            yield self._given(self.images[rows], self.labels[rows])

    def _given(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        prepared = images if self._ready else self._prepared(images)
        return prepared, labels.to(self.device, non_blocking=True)

    def _prepared(self, images: Tensor) -> Tensor:
        floats = images.to(self.device, non_blocking=True).to(torch.float32)
        floats = floats.sub_(self.mean).mul_(self.scale)
        if floats.shape[-2:] != self.size:
            floats = functional.interpolate(floats, self.size, mode="bilinear", antialias=True)
        return floats.contiguous(memory_format=self.layout)


def _joined(splits: list[Split]) -> Tensor:
    """View a single split where it lies (a mapped file stays mapped); join several in memory."""
    arrays = [split.images for split in splits]
    return torch.from_numpy(arrays[0] if len(arrays) == 1 else np.concatenate(arrays))


def _fits(images: Tensor, device: torch.device) -> bool:
    """Say whether a GPU is to keep the images: several candidates may share it."""
    if device.type != "cuda":
        return False
    memory = torch.cuda.get_device_properties(device).total_memory
    return images.numel() <= RESIDENT_SHARE * memory
