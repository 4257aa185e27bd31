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


def order_of(labels: Tensor, balance: str, generator: torch.Generator) -> Tensor:
    """Return the order in which an epoch sees images, as indices into `labels` (N,).

    Each image occurs once. With the balance `sampling` N images are drawn with replacement, so that
    every class is equally likely.
    """
    if balance != "sampling":
        return torch.randperm(len(labels), generator=generator)
    rarity = 1 / torch.bincount(labels).clamp(min=1).double()
    return torch.multinomial(rarity[labels], len(labels), replacement=True, generator=generator)


def class_weights(labels: Tensor, classes: int) -> Tensor:
    """Return a weight for the loss of each class, (classes,): the inverse of its share of `labels`.

    Images have the weight 1 on average, and a class without images too.

    >>> class_weights(torch.tensor([0, 0, 0, 1]), 2)
    tensor([0.6667, 2.0000])
    """
    counts = torch.bincount(labels.cpu(), minlength=classes)
    present = int((counts > 0).sum())
    weights = len(labels) / (present * counts.clamp(min=1).float())
    return torch.where(counts > 0, weights, torch.ones(classes))
