"""Images to compare formats on, and to calibrate 8-bit numbers on."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gensynth.data.batches import Batches
from gensynth.data.sets import DataSet

if TYPE_CHECKING:
    from torch import Tensor

COMPARED = 2000
"""Largest number of images that formats are compared on."""
CALIBRATED = 256
"""Largest number of training images that 8-bit ranges are chosen from."""

NOISE = 48
"""Images of noise if there is no data; fewer if they are larger than 224 pixels."""


@dataclass(frozen=True)
class RealInputs:
    """Images as the network sees them: float32 (N, C, H, W), normalised, at its resolution."""

    images: "Tensor"
    calibration: "Tensor"
    origin: str
    """What the images are, in words: `test images of digits`."""
    labels: "Tensor | None" = None
    """Classes (N,), if the network was trained on them."""
    calibration_origin: str = "images of noise"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of an image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def fewer(self, most: int) -> "RealInputs":
        """Return the same with at most `most` images to compare on, evenly spread."""
        import torch

        count = len(self.images)
        if count <= most:
            return self
        chosen = torch.linspace(0, count - 1, most).round().long()
        labels = None if self.labels is None else self.labels[chosen]
        return replace(self, images=self.images[chosen], labels=labels)


def of_data(
    data: DataSet, name: str, split: str, size: tuple[int, int], trained: bool
) -> RealInputs:
    """Return images of a data set: those of `split` to compare on, training images to calibrate."""
    images, labels = _of_split(data, split, size, COMPARED)
    calibration, _ = _of_split(data, "train", size, CALIBRATED)
    return RealInputs(
        images,
        calibration,
        f"{split} images of {name}",
        labels if trained else None,
        f"training images of {name}",
    )


def noise(shape: tuple[int, int, int]) -> RealInputs:
    """Return images of noise, for a network that comes without data."""
    import torch

    rng = torch.Generator().manual_seed(0)
    count = max(2, min(NOISE, NOISE * 224 * 224 // (shape[1] * shape[2])))
    images = torch.randn((count, *shape), generator=rng)
    calibration = torch.randn((count, *shape), generator=rng)
    return RealInputs(images, calibration, "images of noise (no --data)")


def spread(batches: Batches, most: int) -> tuple["Tensor", "Tensor"]:
    """Return up to `most` images and labels, evenly spread: a split may be sorted by class."""
    import torch

    chosen = torch.linspace(0, len(batches) - 1, min(most, len(batches))).round().long()
    images, labels = batches.at(chosen.to(batches.place))
    return images.contiguous(), labels


def _of_split(
    data: DataSet, split: str, size: tuple[int, int], most: int
) -> tuple["Tensor", "Tensor"]:
    import torch

    place = torch.device("cpu")
    return spread(Batches(data, (split,), size, place, torch.contiguous_format), most)
