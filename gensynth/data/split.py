"""Splitting labelled images into train, validation and test: stratified, by a fixed seed."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gensynth.errors import InputError

SPLITS = ("train", "validation", "test")


def stratified(
    labels: NDArray[np.int64], names: Sequence[str], shares: Mapping[str, float], seed: int
) -> dict[str, NDArray[np.int64]]:
    """Deal the indices of `labels` to the splits of `shares`, the rest to `train`.

    Every class gives each split its share, rounded, but at least one image; indices come sorted.
    `names` are the classes', by label.

    Raises:
        InputError: a class has fewer images than there are splits.
    """
    parts: dict[str, list[NDArray[np.int64]]] = {name: [] for name in ("train", *shares)}
    for label in np.unique(labels):
        rng = np.random.default_rng(np.random.SeedSequence((seed, int(label))))
        left = rng.permutation(np.flatnonzero(labels == label))
        total = len(left)
        if total < len(parts):
            problem = f"{total} images are too few for {len(parts)} splits"
            raise InputError(f"class {names[label]!r}", problem)
        for position, (name, share) in enumerate(shares.items()):
            still_to_serve = len(shares) - position
            count = min(max(1, round(share * total)), len(left) - still_to_serve)
            parts[name].append(left[:count])
            left = left[count:]
        parts["train"].append(left)
    return {name: np.sort(np.concatenate(pieces)) for name, pieces in parts.items()}
