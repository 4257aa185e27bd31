"""Image folders as data sets: `PATH/<class>/...` or `PATH/{train,validation,test}/<class>/...`."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from gensynth.data import cache as image_cache
from gensynth.data.cache import Decoded
from gensynth.data.layout import Listing, Picture, scan
from gensynth.data.picture import Changed, Look, Target, decode, each, look
from gensynth.data.repeats import Placed, repeats
from gensynth.data.sets import DataSet, DataSettings, Progress
from gensynth.data.split import SPLITS, stratified
from gensynth.errors import InputError

FORMAT = 1
"""Changes whenever the same files would be decoded to other pixels."""


def open_folder(settings: DataSettings, cache: Path, progress: Progress) -> DataSet:
    """Map the decoded images of a folder, decoding them first where that was not done before.

    The files are recognised by name, size and time of change; where those are new, by content.
    Only one process of a node decodes at a time, the others wait and find the result.

    Raises:
        InputError: the folder cannot be used, changes meanwhile, or the cache cannot be written.
    """
    listing = scan(Path(settings.path))
    stamps = [(picture.name, picture.stamp) for picture in listing.pictures]
    index = cache / "listings" / _key(settings, stamps)
    found = _indexed(index, cache, settings)
    if found is not None:
        return found
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / "decode.lock"):
            found = _indexed(index, cache, settings)
            if found is None:
                found = _decoded(settings, listing, cache, progress)
                index.write_text(found.fingerprint, encoding="utf-8")
    except OSError as error:
        raise InputError(str(cache), f"cannot be written ({error.strerror})") from None
    return found


def _indexed(index: Path, cache: Path, settings: DataSettings) -> DataSet | None:
    """Find the data set that the same listing led to before."""
    try:
        key = index.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return _load(cache / key, settings) if key else None


def _load(folder: Path, settings: DataSettings) -> DataSet | None:
    loaded = image_cache.load(folder)
    if loaded is None:
        return None
    data, header = loaded
    data = replace(data, repeated=header.repeated)
    total = header.skipped + sum(header.counts.values())
    listed = _unreadable_list(folder)
    _refuse_too_many(header.skipped, total, settings, listed)
    if header.skipped:
        said = f"{header.skipped} of {total} images cannot be read and are left out; see {listed}"
        return replace(data, left_out=said)
    return data


def _decoded(settings: DataSettings, listing: Listing, cache: Path, progress: Progress) -> DataSet:
    """Look at all files, and decode them unless the cache has their content already."""
    total = 2 * len(listing.pictures)
    looks = []
    for found in each(look, [picture.path for picture in listing.pictures]):
        looks.append(found)
        progress(len(looks), total)
    content = [
        (picture.name, picture.split, found.sha256)
        for picture, found in zip(listing.pictures, looks, strict=True)
    ]
    folder = cache / _key(settings, (listing.class_names, content))
    known = _load(folder, settings)
    if known is None:
        plan = _Plan(settings, listing, looks, _unreadable_list(folder))
        pictures = plan.pictures(progress)
        image_cache.write(folder, listing.class_names, plan.shape, pictures, plan.repeated())
        known = _load(folder, settings)
    if known is None:
        raise InputError(str(folder), "was written, but cannot be read back")
    progress(total, total)
    return known


class _Plan:
    """Which picture goes into which split, in which form; decodes them in that order."""

    def __init__(
        self, settings: DataSettings, listing: Listing, looks: Sequence[Look], listed: Path
    ) -> None:
        self.settings, self.listing, self.listed = settings, listing, listed
        self.shape = _shape(settings, listing.pictures, looks)
        splits = _dealt(settings, listing)
        rows = sorted(range(len(splits)), key=lambda row: SPLITS.index(splits[row]))
        self.entries = [(listing.pictures[row], looks[row], splits[row]) for row in rows]

    def pictures(self, progress: Progress) -> Iterator[Decoded]:
        """Decode all pictures; at the end, refuse what is too damaged to be used."""
        target = Target(*self.shape)
        unreadable: list[str] = []
        left = Counter[tuple[str, int]]()
        decoding = each(lambda entry: _pixels(entry[0], entry[1], target), self.entries)
        for done, (entry, pixels) in enumerate(zip(self.entries, decoding, strict=True), 1):
            picture, _, split = entry
            if isinstance(pixels, str):
                unreadable.append(f"{picture.path}\t{pixels}")
                yield Decoded(split, picture.label, None)
            else:
                left[split, picture.label] += 1
                yield Decoded(split, picture.label, pixels)
            progress(len(self.entries) + done, 2 * len(self.entries))
        self._refuse_damage(unreadable, left)

    def repeated(self) -> str:
        """Say which files stand in several splits or classes."""
        return repeats(
            [
                Placed(found.sha256, picture.name, split, picture.label)
                for picture, found, split in self.entries
                if not found.problem
            ]
        )

    def _refuse_damage(self, unreadable: list[str], left: Counter[tuple[str, int]]) -> None:
        if unreadable:
            text = "\n".join(unreadable) + "\n"
            # The name of a file need not be UTF-8.
            self.listed.write_text(text, encoding="utf-8", errors="backslashreplace")
        _refuse_too_many(len(unreadable), len(self.entries), self.settings, self.listed)
        for split in SPLITS:
            for label, name in enumerate(self.listing.class_names):
                if not left[split, label]:
                    problem = f"no image of class {name!r} can be read for {split}"
                    raise InputError(self.settings.path, f"{problem}; see {self.listed}")


def _pixels(picture: Picture, found: Look, target: Target) -> NDArray[np.uint8] | str:
    if found.problem:
        return found.problem
    try:
        return decode(picture.path, found.sha256, target)
    except Changed as error:
        raise InputError(picture.path, f"{error} while the folder was decoded") from None


def _dealt(settings: DataSettings, listing: Listing) -> list[str]:
    """Give each picture its split: its own, or where validation or test is missing, a dealt one."""
    splits = [picture.split for picture in listing.pictures]
    shares = {"validation": settings.validation_share, "test": settings.test_share}
    missing = {name: share for name, share in shares.items() if name not in splits}
    if missing:
        rows = np.flatnonzero(np.array(splits) == "train")
        labels = np.array([listing.pictures[row].label for row in rows], dtype=np.int64)
        for name, chosen in _stratified(settings, listing, labels, missing).items():
            for row in rows[chosen]:
                splits[row] = name
    return splits


def _stratified(
    settings: DataSettings,
    listing: Listing,
    labels: NDArray[np.int64],
    shares: Mapping[str, float],
) -> dict[str, NDArray[np.int64]]:
    try:
        return stratified(labels, listing.class_names, shares, settings.split_seed)
    except InputError as error:
        raise InputError(f"{settings.path}: {error.place}", error.problem) from None


def _shape(
    settings: DataSettings, pictures: Sequence[Picture], looks: Sequence[Look]
) -> tuple[int, int, int]:
    """Decide on (C, H, W): as the settings say, else as the pictures are."""
    readable = [(p, found) for p, found in zip(pictures, looks, strict=True) if not found.problem]
    if not readable:
        raise InputError(settings.path, f"none of {len(pictures)} images can be read")
    channels = settings.channels or (1 if all(found.grey for _, found in readable) else 3)
    if settings.image_size is not None:
        return channels, settings.image_size, settings.image_size
    first, seen = readable[0]
    for picture, found in readable:
        if found.size != seen.size:
            raise InputError(
                settings.path,
                f"{first.name} is {_size(seen)} and {picture.name} {_size(found)}: "
                "set image_size (in [data], or --image-size)",
            )
    return channels, *seen.size


def _size(found: Look) -> str:
    height, width = found.size
    return f"{width}x{height} pixels"


def _unreadable_list(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.unreadable.txt")


def _refuse_too_many(count: int, total: int, settings: DataSettings, listed: Path) -> None:
    if count > settings.unreadable_share * total:
        raise InputError(
            settings.path,
            f"{count} of {total} images cannot be read, more than the share that is skipped "
            f"(data.unreadable_share = {settings.unreadable_share:g}); repair or remove those in "
            f"{listed}",
        )


def _key(settings: DataSettings, content: Sequence[object]) -> str:
    """Name what the cache holds: the content, and the settings that shape what is made of it."""
    shape = (settings.image_size, settings.channels)
    split = (settings.validation_share, settings.test_share, settings.split_seed)
    text = json.dumps((FORMAT, shape, split, content), separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
