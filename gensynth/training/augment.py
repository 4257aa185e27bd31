"""Augmentation of whole batches on the device, by random numbers drawn once per epoch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gensynth.data.batches import Normal
from gensynth.training.photometric import coloured, draw_boxes, draw_colours, erased

CROP_SHARE = 8
"""Images are shifted by at most `height // CROP_SHARE` pixels."""
CUTOUT_SHARE = 4
"""The grey square is `height // CUTOUT_SHARE` pixels wide."""


@dataclass(frozen=True)
class AugmentationDraws:
    """The random numbers of an epoch, one row per image; None if an augmentation is off."""

    shift: Tensor | None
    """int64 (N, 2): rows and columns to shift by, from 0 to twice the margin."""
    mirror: Tensor | None
    """bool (N,)."""
    square: Tensor | None
    """int64 (N, 2): top row and left column of the grey square, which may overlap the edge."""
    margin: int
    """Largest shift, in pixels."""
    side: int
    """Height and width of the grey square, in pixels."""
    colour: Tensor | None = None
    """float32 (N, 3): factors of brightness, contrast and saturation."""
    box: Tensor | None = None
    """int64 (N, 4): top, left, height and width of the rectangle that is erased, if any."""

    def of(self, rows: slice) -> "AugmentationDraws":
        """Return the numbers for the images at `rows`."""
        return self._each(lambda numbers: numbers[rows])

    def to(self, device: torch.device) -> "AugmentationDraws":
        """Return the numbers on `device`."""
        return self._each(lambda numbers: numbers.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "AugmentationDraws":
        drawn = {kind: getattr(self, kind) for kind in KINDS}
        known: dict[str, Any] = {
            kind: change(numbers) for kind, numbers in drawn.items() if numbers is not None
        }
        return replace(self, **known)


KINDS = ("shift", "mirror", "square", "colour", "box")
"""The fields of `AugmentationDraws` with a row for each image."""


def joined_draws(several: Sequence[AugmentationDraws]) -> AugmentationDraws:
    """Return the numbers of several trainings of one recipe, one after the other."""
    first = several[0]
    drawn = {kind: [getattr(draws, kind) for draws in several] for kind in KINDS}
    known: dict[str, Any] = {k: torch.cat(d) for k, d in drawn.items() if d[0] is not None}
    return replace(first, **known)


def draw_augmentation(
    augment: Sequence[str], count: int, size: tuple[int, int], generator: torch.Generator
) -> AugmentationDraws:
    """Draw the numbers for an epoch over `count` images of `size` (height, width), on the CPU."""
    margin, side = max(1, size[0] // CROP_SHARE), max(1, size[0] // CUTOUT_SHARE)
    shift = mirror = square = None
    if "crop" in augment:
        shift = torch.randint(0, 2 * margin + 1, (count, 2), generator=generator)
    if "flip" in augment:
        mirror = torch.randint(0, 2, (count,), generator=generator).bool()
    if "cutout" in augment:
        rows = torch.randint(1 - side, size[0], (count,), generator=generator)
        columns = torch.randint(1 - side, size[1], (count,), generator=generator)
        square = torch.stack((rows, columns), dim=1)
    # Drawn last, so that the numbers above are those of earlier versions.
    colour = draw_colours(count, generator) if "colour" in augment else None
    box = draw_boxes(count, size, generator) if "erase" in augment else None
    return AugmentationDraws(shift, mirror, square, margin, side, colour, box)


def augmented(images: Tensor, draws: AugmentationDraws, normal: Normal | None = None) -> Tensor:
    """Return images that are changed at random; pixels without a source become 0.

    Args:
        images: float32 (N, C, H, W), normalised, so that 0 is the mean.
        draws: the random numbers of these N images.
        normal: how they are normalised; None = they are pixels from 0 to 1.
    """
    if draws.colour is not None:
        images = coloured(images, draws.colour, normal)
    if draws.shift is not None:
        images = _shifted(images, draws.shift, draws.margin)
    if draws.mirror is not None:
        images = torch.where(draws.mirror[:, None, None, None], images.flip(-1), images)
    if draws.square is not None:
        images = _cut(images, draws.square, draws.side)
    if draws.box is not None:
        images = erased(images, draws.box)
    return images


def _shifted(images: Tensor, shift: Tensor, margin: int) -> Tensor:
    height, width = images.shape[-2:]
    padded = functional.pad(images, (margin, margin, margin, margin))
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)
    each = torch.arange(len(images), device=images.device)
    return windows[each, :, shift[:, 0], shift[:, 1]]


def _cut(images: Tensor, square: Tensor, side: int) -> Tensor:
    rows, columns = (
        _within(first, side, length)
        for first, length in zip(square.unbind(1), images.shape[-2:], strict=True)
    )
    hole = rows[:, None, :, None] & columns[:, None, None, :]
    return images.masked_fill(hole, 0.0)


def _within(first: Tensor, side: int, length: int) -> Tensor:
    """Return bool (N, length): which positions lie in the `side` positions from `first` on."""
    offset = torch.arange(length, device=first.device) - first[:, None]
    return (offset >= 0) & (offset < side)
