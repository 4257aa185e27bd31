"""The pictures of a data set as they are stored, to be read again like any user's."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gensynth.data.folder import dealt
from gensynth.data.hub import fetch
from gensynth.data.layout import scan
from gensynth.data.open import default_cache, digits, digits_dealt
from gensynth.data.picture import png
from gensynth.data.sets import HUB, DataSettings
from gensynth.data.split import SPLITS
from gensynth.errors import InputError


@dataclass(frozen=True)
class Original:
    """A stored picture and the class that it is filed under."""

    name: str
    """Path relative to the data set."""
    label: int
    path: str = ""
    """Its file; empty if it is embedded."""
    embedded: NDArray[np.uint8] | None = None
    """Grey pixels (1, H, W), if it has no file."""

    def open(self) -> Any:
        """Return the path, or an open PNG file of an embedded picture."""
        return self.path if self.embedded is None else png(self.embedded)


def originals(settings: DataSettings, split: str, cache: Path | None = None) -> list[Original]:
    """Return the pictures of a split, among them those that cannot be read.

    Raises:
        InputError: the data does not exist, or is not a data set.

    >>> len(originals(DataSettings(), "test"))
    359
    """
    if settings.path == "digits":
        images, labels = digits()
        rows = digits_dealt(settings, labels)[split]
        return [Original(f"{row:04d}.png", int(labels[row]), embedded=images[row]) for row in rows]
    settings = _as_folder(settings, cache)
    listing = scan(Path(settings.path), settings.class_level)
    return [
        Original(picture.name, picture.label, picture.path)
        for picture, dealt_to in zip(listing.pictures, dealt(settings, listing), strict=True)
        if dealt_to == split
    ]


def labelled(
    settings: DataSettings, split: str | None = None
) -> tuple[list[Original], tuple[str, ...], str]:
    """Return labelled pictures, the names of their classes, and words for what they are.

    Args:
        settings: the data.
        split: None = `test` if there is such a folder, else all pictures.

    Raises:
        InputError: the data does not exist, or there is no such split.
    """
    if split not in (None, *SPLITS):
        raise InputError("split", f"expected {', '.join(SPLITS)}, got {split!r}")
    if settings.path == "digits":
        names = tuple(str(digit) for digit in range(10))
        return originals(settings, split or "test"), names, f"{split or 'test'} images of digits"
    name, settings = Path(settings.path).name, _as_folder(settings)
    listing = scan(Path(settings.path), settings.class_level, to_train=False)
    splits = {picture.split for picture in listing.pictures}
    if split is None and "test" in splits:
        split = "test"
    words = f"{split} images of {name}" if split else f"images of {name}"
    held_out = split == "train" and len(splits) < len(SPLITS)
    if split is not None and (split not in splits or held_out):
        return originals(settings, split), listing.class_names, words
    chosen = [one for one in listing.pictures if split in (None, one.split)]
    found = [Original(one.name, one.label, one.path) for one in chosen]
    return found, listing.class_names, words


def _as_folder(settings: DataSettings, cache: Path | None = None) -> DataSettings:
    """Return the settings with the folder of a data set of the hub."""
    if not settings.path.startswith(HUB):
        return settings
    name = settings.path.removeprefix(HUB)
    folder = fetch(name, cache or default_cache(), lambda done, total: None)
    return replace(settings, path=str(folder))
