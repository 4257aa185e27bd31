"""Which images a training sees, and in which order."""

import torch
from torch import Tensor

from gensynth.data.sets import DataSet
from gensynth.data.split import stratified

SUBSET_SEED = 0
"""Every training uses the same subset of the data; otherwise rankings would be noisier."""


def subset(labels: Tensor, data: DataSet, share: float) -> Tensor:
    """Return the sorted indices of a `share` of the images, of each class as many.

    Args:
        labels: (N,) class of each image.
        data: the data set that they are from.
        share: greater than 0, at most 1.
    """
    if share == 1:
        return torch.arange(len(labels))
    counts = torch.bincount(labels)[labels]
    # A class with a single image keeps it: no class may vanish.
    lone, rows = torch.nonzero(counts == 1)[:, 0], torch.nonzero(counts > 1)[:, 0]
    if not len(rows):
        return lone
    parts = stratified(labels[rows].numpy(), data.class_names, {"used": share}, SUBSET_SEED)
    return torch.cat((lone, rows[parts["used"]])).sort().values
