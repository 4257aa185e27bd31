"""What a training draws at random: its weights, and for each epoch what it sees."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from gensynth.data.sets import DataSet
from gensynth.data.split import stratified
from gensynth.training.augment import AugmentationDraws, draw_augmentation
from gensynth.training.job import Job


@dataclass(frozen=True)
class EpochData:
    """What a training sees in one epoch."""

    order: Tensor
    """int64 (N,): the images, in this order."""
    draws: AugmentationDraws
    """The random numbers of their augmentation, in the same order."""
    seed: int
    """Seed of the random numbers that the network itself draws."""

    def on(self, place: torch.device, device: torch.device) -> "EpochData":
        """Return it with the order on `place`, where the images are, and the rest on `device`."""
        return replace(self, order=self.order.to(place), draws=self.draws.to(device))


def epoch_data_of(
    job: Job, epoch: int, chosen: Tensor, labels: Tensor, size: tuple[int, int]
) -> EpochData:
    """Return what epoch number `epoch` (from 1) shows of the images `chosen`, of `size` (H, W).

    `labels` (N,) are the classes of the chosen images.
    """
    rng = generator_of(job.training_seed, epoch)
    order = chosen[order_of(labels, job.recipe.balance, rng)]
    draws = draw_augmentation(job.recipe.augment, len(order), size, rng)
    return EpochData(order, draws, rng.initial_seed())


def generator_of(seed: int, epoch: int) -> torch.Generator:
    """Return the generator of an epoch (from 1) of the training `seed`; 0 is for its weights."""
    state = np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generators, for initial weights and dropout, and restore them after."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


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
