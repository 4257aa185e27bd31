"""The name of a decoded data set in the cache: by its content and the settings of its decoding."""

import hashlib
import json
from collections.abc import Sequence

from gensynth.data.picture import PictureInfo
from gensynth.data.sets import DataSettings

FORMAT = 1
"""Increases whenever the same files would be decoded to different pixels."""


def choices(settings: DataSettings) -> list[object]:
    """Return the settings that earlier versions did not have, as far as they are not usual."""
    chosen = {"class_level": settings.class_level, "background": settings.background}
    usual = {"class_level": 1, "background": 255}
    return [item for item in chosen.items() if usual[item[0]] != item[1]]


def key(settings: DataSettings, content: Sequence[object], *more: object) -> str:
    """Return the name of the cache for this content and the settings that affect its decoding."""
    shape = (settings.image_size, settings.channels)
    split = (settings.validation_share, settings.test_share, settings.split_seed)
    text = json.dumps((FORMAT, shape, split, content, *more), separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def key_of_chain(
    settings: DataSettings,
    infos: Sequence[PictureInfo],
    shape: tuple[int, int, int],
    natural: tuple[int, int, int],
) -> list[object]:
    """Return what distinguishes the pixels from those that earlier versions decoded, if anything.

    Most pictures have the same pixels in both chains, and their data set the same fingerprint.
    """
    if settings.chain == "two_resizes":
        return []
    _, height, width = shape
    alike = all(
        not (info.transparent or info.white)
        and info.size[0] * width == info.size[1] * height
        and info.size[0] < 4 * height  # A JPEG four times as large was decoded at a reduced size.
        for info in infos
        if not info.problem
    )
    return [] if alike and shape == natural else ["one_resize", shape, *choices(settings)]
