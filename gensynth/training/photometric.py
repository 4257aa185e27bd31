"""Augmentation by torchvision: other light and colours, and erased rectangles.

The random numbers are drawn here, so that a training can be repeated and resumed; what is done with
them is torchvision's. It is the extra `augment`.
"""

import math
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from gensynth.data.batches import Normal
from gensynth.errors import InputError, install
from gensynth.models.timm_models import import_torchvision

OF_TORCHVISION = ("colour", "erase")
"""The augmentations that need torchvision."""
COLOUR_RANGE = (0.6, 1.4)
"""Factors of brightness, contrast and saturation, as in the usual `ColorJitter(0.4, 0.4, 0.4)`."""
ERASED_SHARE, ERASED_AREA, ERASED_RATIO = 0.5, (0.02, 0.2), (0.3, 3.3)
"""Share of the images of which a rectangle is erased, its share of the area, its width by height.

As in Zhong et al. (arXiv 1708.04896), but at most a fifth of the area: small images hold less.
"""


def require_torchvision(augment: Sequence[str]) -> None:
    """Raise `InputError` if an augmentation needs torchvision and it is missing."""
    for name in augment:
        if name in OF_TORCHVISION:
            _functions()


def draw_colours(count: int, generator: torch.Generator) -> Tensor:
    """Draw factors of brightness, contrast and saturation, float32 (count, 3)."""
    low, high = COLOUR_RANGE
    return low + (high - low) * torch.rand((count, 3), generator=generator)


def draw_boxes(count: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Draw the rectangles to erase, int64 (count, 4): top, left, height, width (0 = none)."""
    height, width = size
    numbers = torch.rand((count, 5), generator=generator)
    (least, most), (thin, wide) = ERASED_AREA, map(math.log, ERASED_RATIO)
    area = (least + (most - least) * numbers[:, 1]) * height * width
    ratio = (thin + (wide - thin) * numbers[:, 2]).exp()
    high = (area / ratio).sqrt().round().clamp(1, height)
    broad = (area * ratio).sqrt().round().clamp(1, width)
    high = torch.where(numbers[:, 0] < ERASED_SHARE, high, torch.zeros(()))
    top = (numbers[:, 3] * (height - high + 1)).floor()
    left = (numbers[:, 4] * (width - broad + 1)).floor()
    return torch.stack((top, left, high, broad), dim=1).long()


def coloured(images: Tensor, factors: Tensor, normal: Normal | None) -> Tensor:
    """Return normalised images (N, C, H, W) in other light: brightness, contrast, saturation."""
    functions = _functions()
    pixels = images if normal is None else (images * normal.std + normal.mean).clamp(0, 1)
    changed = torch.empty_like(pixels)
    for row, (bright, contrast, saturation) in enumerate(factors.tolist()):
        image = functions.adjust_brightness(pixels[row], bright)
        image = functions.adjust_contrast(image, contrast)
        changed[row] = functions.adjust_saturation(image, saturation)
    return changed if normal is None else (changed - normal.mean) / normal.std


def erased(images: Tensor, boxes: Tensor) -> Tensor:
    """Return images (N, C, H, W) whose rectangles `boxes` (N, 4) are grey, which is 0."""
    functions, grey = _functions(), images.new_zeros(())
    kept = images.clone()
    for row, (top, left, height, width) in enumerate(boxes.tolist()):
        if height:
            functions.erase(kept[row], top, left, height, width, grey, inplace=True)
    return kept


@cache
def _functions() -> Any:
    """Return torchvision's functions on images.

    Raises:
        InputError: torchvision is not installed.
    """
    try:
        import_torchvision()
        return import_module("torchvision.transforms.v2.functional")
    except (ImportError, RuntimeError) as error:
        needed = f"{' and '.join(OF_TORCHVISION)} need torchvision"
        problem = f"{needed} ({error}); run: {install('augment')}"
        raise InputError("augment", problem) from error
