"""Image folders as data sets: `PATH/<class>/...` or `PATH/{train,validation,test}/<class>/...`.

A folder is decoded once into a cache, which is found again by the names and times of the files, or
by their content.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from gensynth.data import cache as image_cache
from gensynth.data import unreadable
from gensynth.data.cache import Decoded
from gensynth.data.cache_key import choices, key, key_of_chain
from gensynth.data.layout import Listing, Picture, scan
from gensynth.data.picture import PictureChanged, PictureInfo, decode, in_parallel, inspect
from gensynth.data.preprocessing import Preprocessing, decoding
from gensynth.data.sets import DataSet, DataSettings, Progress
from gensynth.data.split import SPLITS, Placed, repeats, stratified
from gensynth.errors import InputError
from gensynth.space import Task

Size = tuple[int, int]
"""Height and width in pixels."""


def open_folder(
    settings: DataSettings, cache: Path, progress: Progress, size: Size | None = None
) -> DataSet:
    """Map the decoded images of a folder into memory; decode them first if they are not cached.

    They have `size`, by default that of the settings or of the pictures themselves. Files are
    recognised by name, size and time of change, or else by content. Only one process on a machine
    decodes at a time; the others wait for the result.

    Raises:
        InputError: the folder is not a data set, changes meanwhile, or the cache is read-only.
    """
    listing = scan(Path(settings.path), settings.class_level)
    stamps = [(picture.name, picture.stamp) for picture in listing.pictures]
    chain = [] if settings.chain == "two_resizes" else ["one_resize", size]
    index = cache / "listings" / key(settings, stamps, *chain, *choices(settings))
    found = _indexed(index, cache, settings)
    if found is not None:
        return replace(found, nested=listing.nested)
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / "decode.lock"):
            found = _indexed(index, cache, settings)
            if found is None:
                found = _decoded(settings, listing, cache, progress, size)
                index.write_text(found.fingerprint, encoding="utf-8")
    except OSError as error:
        raise InputError(str(cache), f"cannot be written ({error.strerror})") from None
    return replace(found, nested=listing.nested)


def task_of_folder(settings: DataSettings) -> Task:
    """Return what a network for the pictures of a folder takes, without decoding them.

    Raises:
        InputError: the folder is not a data set, or its pictures differ in size.
    """
    listing = scan(Path(settings.path), settings.class_level)
    classes = len(listing.class_names)
    if settings.image_size and settings.channels:
        return Task(settings.channels, settings.image_size, settings.image_size, classes)
    infos = list(in_parallel(inspect, [picture.path for picture in listing.pictures]))
    return Task(*_shape(settings, listing.pictures, infos), classes)


def _indexed(index: Path, cache: Path, settings: DataSettings) -> DataSet | None:
    """Return the data set that the same listing led to before; None if there is none."""
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
    chain, background = settings.chain, settings.background
    data = replace(data, repeated=header.repeated, chain=chain, background=background)
    total = header.skipped + sum(header.counts.values())
    listed = unreadable.list_of(folder)
    unreadable.refuse_too_many(header.skipped, total, settings, listed)
    if settings.chain != "two_resizes":
        _refuse_equal(data, settings)
    if header.skipped:
        words = unreadable.sentence(header.skipped, total, listed, Path(settings.path))
        return replace(data, left_out=words)
    return data


def _refuse_equal(data: DataSet, settings: DataSettings) -> None:
    """Raise `InputError` if all images are the same: there is nothing to learn."""
    images = data.splits["train"].images
    same = all(bool((images[i : i + 256] == images[0]).all()) for i in range(0, len(images), 256))
    if same and len(images) > 1:
        problem = f"all {len(images)} training images have the same pixels once they are decoded"
        remedy = "store them as 8-bit pictures; if they are drawn in white on transparency, set "
        remedy += "data.background = 0"
        raise InputError(settings.path, f"{problem}; {remedy}")


def _decoded(
    settings: DataSettings, listing: Listing, cache: Path, progress: Progress, size: Size | None
) -> DataSet:
    """Inspect all files, and decode them unless the cache holds the same content."""
    total = 2 * len(listing.pictures)
    infos = []
    for info in in_parallel(inspect, [picture.path for picture in listing.pictures]):
        infos.append(info)
        progress(len(infos), total)
    content = [
        (picture.name, picture.split, info.sha256)
        for picture, info in zip(listing.pictures, infos, strict=True)
    ]
    natural = _shape(settings, listing.pictures, infos)
    shape = natural if size is None else (natural[0], *size)
    differs = key_of_chain(settings, infos, shape, natural)
    folder = cache / key(settings, (listing.class_names, content), *differs)
    known = _load(folder, settings)
    if known is None:
        plan = _Plan(settings, listing, infos, shape, unreadable.list_of(folder))
        pictures = plan.pictures(progress)
        facts = (plan.repeated(), plan.white)
        image_cache.write(folder, listing.class_names, plan.shape, pictures, *facts)
        known = _load(folder, settings)
    if known is None:
        raise InputError(str(folder), "was written but cannot be read back; check the disk")
    progress(total, total)
    return known


class _Plan:
    """The split of each picture and the common shape; decodes the pictures in this order."""

    def __init__(
        self,
        settings: DataSettings,
        listing: Listing,
        infos: Sequence[PictureInfo],
        shape: tuple[int, int, int],
        listed: Path,
    ) -> None:
        self.settings, self.listing, self.listed = settings, listing, listed
        self.shape, self.white = shape, max(info.white for info in infos)
        splits = dealt(settings, listing)
        rows = sorted(range(len(splits)), key=lambda row: SPLITS.index(splits[row]))
        self.entries = [(listing.pictures[row], infos[row], splits[row]) for row in rows]

    def pictures(self, progress: Progress) -> Iterator[Decoded]:
        """Decode all pictures; raise `InputError` at the end if too many are unreadable."""
        how = decoding(self.settings.chain, *self.shape, self.white, self.settings.background)
        problems: list[tuple[str, str]] = []
        left = Counter[tuple[str, int]]()
        pixels_of = in_parallel(
            lambda entry: _pixels(entry[0], entry[1], how), self.entries, prod(self.shape)
        )
        for done, (entry, pixels) in enumerate(zip(self.entries, pixels_of, strict=True), 1):
            picture, _, split = entry
            if isinstance(pixels, str):
                problems.append((picture.path, pixels))
                yield Decoded(split, picture.label, None)
            else:
                left[split, picture.label] += 1
                yield Decoded(split, picture.label, pixels)
            progress(len(self.entries) + done, 2 * len(self.entries))
        self._refuse_damage(problems, left)

    def repeated(self) -> str:
        """Return a sentence about identical files in several splits or classes."""
        return repeats(
            [
                Placed(info.sha256, picture.name, split, picture.label)
                for picture, info, split in self.entries
                if not info.problem
            ]
        )

    def _refuse_damage(
        self, problems: list[tuple[str, str]], left: Counter[tuple[str, int]]
    ) -> None:
        if problems:
            unreadable.write_list(self.listed, problems)
        unreadable.refuse_too_many(len(problems), len(self.entries), self.settings, self.listed)
        for split in SPLITS:
            for label, name in enumerate(self.listing.class_names):
                if not left[split, label]:
                    problem = f"no image of class {name!r} can be read for {split}"
                    raise InputError(self.settings.path, f"{problem}; see {self.listed}")


def _pixels(picture: Picture, info: PictureInfo, how: Preprocessing) -> NDArray[np.uint8] | str:
    if info.problem:
        return info.problem
    try:
        return decode(picture.path, info.sha256, how)
    except PictureChanged as error:
        problem = f"{error} while the folder was decoded; run the command again"
        raise InputError(picture.path, problem) from None


def dealt(settings: DataSettings, listing: Listing) -> list[str]:
    """Return the split of each picture; deal some of `train` to a split without a folder."""
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
    settings: DataSettings, pictures: Sequence[Picture], infos: Sequence[PictureInfo]
) -> tuple[int, int, int]:
    """Return (C, H, W) as the settings demand, or else as the pictures are."""
    readable = [(p, info) for p, info in zip(pictures, infos, strict=True) if not info.problem]
    if not readable:
        raise InputError(settings.path, f"none of the {len(pictures)} images can be read")
    channels = settings.channels or (1 if all(info.grey for _, info in readable) else 3)
    if settings.image_size is not None:
        return channels, settings.image_size, settings.image_size
    first, expected = readable[0]
    for picture, info in readable:
        if info.size != expected.size:
            raise InputError(
                settings.path,
                f"images differ in size: {first.name} is {_size(expected)} and {picture.name} "
                f"{_size(info)}; set image_size (in [data], or --image-size)",
            )
    return channels, *expected.size


def _size(info: PictureInfo) -> str:
    height, width = info.size
    return f"{width}x{height} pixels"
