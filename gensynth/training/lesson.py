"""What a training draws at random: its weights, and for each epoch what it sees."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from gensynth.training.augment import Draws, draw_augmentation
from gensynth.training.job import Job
from gensynth.training.order import order_of


@dataclass(frozen=True)
class Lesson:
    """What a training sees in one epoch."""

    order: Tensor
    """int64 (N,): the images, in this order."""
    draws: Draws
    """The random numbers of their augmentation, in the same order."""
    seed: int
    """Seed of the random numbers that the network itself draws."""

    def on(self, place: torch.device, device: torch.device) -> "Lesson":
        """Return it with the order on `place`, where the images are, and the rest on `device`."""
        return replace(self, order=self.order.to(place), draws=self.draws.to(device))


def lesson_of(
    job: Job, epoch: int, chosen: Tensor, labels: Tensor, size: tuple[int, int]
) -> Lesson:
    """Return what epoch number `epoch` (from 1) shows of the images `chosen`, of `size` (H, W).

    `labels` (N,) are the classes of the chosen images.
    """
    rng = generator_of(job.training_seed, epoch)
    order = chosen[order_of(labels, job.recipe.balance, rng)]
    draws = draw_augmentation(job.recipe.augment, len(order), size, rng)
    return Lesson(order, draws, rng.initial_seed())


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
