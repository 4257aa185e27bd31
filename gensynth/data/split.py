"""The splits of a data set: how images are dealt to them, and images that are in several."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gensynth.errors import InputError

SPLITS = ("train", "validation", "test")


def stratified(
    labels: NDArray[np.int64], names: Sequence[str], shares: Mapping[str, float], seed: int
) -> dict[str, NDArray[np.int64]]:
    """Deal the indices of `labels` to the splits of `shares`, and the rest to `train`.

    Each split gets its share of every class, rounded, but at least one image.

    Args:
        labels: (N,) class of each image.
        names: names of the classes, by label.
        shares: share (0 to 1) of each split except `train`.
        seed: decides which images each split gets.

    Returns:
        Sorted indices for each split.

    Raises:
        InputError: a class has fewer images than there are splits.
    """
    parts: dict[str, list[NDArray[np.int64]]] = {name: [] for name in ("train", *shares)}
    for label in np.unique(labels):
        rng = np.random.default_rng(np.random.SeedSequence((seed, int(label))))
        left = rng.permutation(np.flatnonzero(labels == label))
        total = len(left)
        if total < len(parts):
            problem = f"expected at least {len(parts)} images, one for each split, got {total}"
            raise InputError(f"class {names[label]!r}", problem)
        for position, (name, share) in enumerate(shares.items()):
            still_to_serve = len(shares) - position
            count = min(max(1, round(share * total)), len(left) - still_to_serve)
            parts[name].append(left[:count])
            left = left[count:]
        parts["train"].append(left)
    return {name: np.sort(np.concatenate(pieces)) for name, pieces in parts.items()}


class Placed(NamedTuple):
    """A file and the split and class that it was assigned to."""

    sha256: str
    name: str
    split: str
    label: int


def repeats(files: Sequence[Placed]) -> str:
    """Return a sentence about identical files in several splits or classes; empty if none are.

    Such files make accuracy look better than it is. Images that merely look alike are not found.
    """
    first: dict[str, Placed] = {}
    leaks: list[tuple[Placed, Placed]] = []
    doubts: list[tuple[Placed, Placed]] = []
    for file in sorted(files, key=lambda file: SPLITS.index(file.split)):
        earlier = first.setdefault(file.sha256, file)
        if earlier.split != file.split:
            leaks.append((file, earlier))
        if earlier.label != file.label:
            doubts.append((file, earlier))
    found = (
        _sentence(leaks, " of validation or test", "in a split that is trained on"),
        _sentence(doubts, "", "in another class"),
    )
    return "; ".join(sentence for sentence in found if sentence)


def _sentence(pairs: Sequence[tuple[Placed, Placed]], of: str, where: str) -> str:
    if not pairs:
        return ""
    late, early = (file.name.encode(errors="backslashreplace").decode() for file in pairs[0])
    images, are = ("image", "is") if len(pairs) == 1 else ("images", "are")
    found = f"{len(pairs)} {images}{of} {are} also {where}, byte for byte"
    return f"{found}: {late} is the same as {early}"
