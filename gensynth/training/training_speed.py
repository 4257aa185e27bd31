"""How fast a network trains on this machine, measured on a few batches."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from gensynth.data.batches import Batches
from gensynth.training.augment import augmented, draw_augmentation
from gensynth.training.job import Job
from gensynth.training.loop import EVALUATION_BATCH, Training, data_of
from gensynth.training.torch_device import keep_freed_memory, set_threads

WARM_UP = 2
"""Batches before the measurement starts; the first ones allocate memory and choose kernels."""
MOST = 100
"""At most this many batches are measured."""


@dataclass(frozen=True)
class Pace:
    """What an epoch of one network costs."""

    train_s: float
    """Seconds per training image."""
    validate_s: float
    """Seconds per validation image."""
    train_images: int
    """Training images per epoch."""
    validation_images: int
    """Validation images per epoch."""

    def seconds(self, epochs: float) -> float:
        """Predict the duration of `epochs` in seconds, without start-up."""
        epoch = self.train_s * self.train_images + self.validate_s * self.validation_images
        return epochs * epoch


def pace(job: Job, limit_s: float = 1.0) -> Pace:
    """Measure the pace of `job`: train on a few batches, for about `limit_s` seconds, and validate.

    Nothing is written.
    """
    set_threads(job.threads)
    keep_freed_memory()
    training = Training(job, data_of(job))
    train_s = _timed(_trainer(training), limit_s, training.device)
    held_out = training.held_out
    if held_out is None:
        return Pace(train_s, 0.0, len(training.chosen), 0)
    validate_s = _timed(_validator(training, held_out), limit_s / 2, training.device)
    return Pace(train_s, validate_s, len(training.chosen), len(held_out))


Work = Callable[[int], int]
"""Performs the step of this number and returns how many images it processed."""


def _trainer(training: Training) -> Work:
    recipe, images, chosen = training.job.recipe, training.images, training.chosen
    rng = torch.Generator().manual_seed(0)
    draws = draw_augmentation(recipe.augment, recipe.batch_size, images.size, rng).to(
        training.device
    )
    training.network.train()

    def work(step: int) -> int:
        first = step * recipe.batch_size % max(1, len(chosen) - recipe.batch_size + 1)
        index = chosen[first : first + recipe.batch_size].to(images.place)
        batch, labels = images.at(index)
        training.step(
            augmented(batch, draws.of(slice(0, len(index))), training.images.normal), labels, step
        )
        return len(index)

    return work


def _validator(training: Training, held_out: Batches) -> Work:
    training.network.eval()
    batch, _ = next(held_out.in_order(EVALUATION_BATCH))

    @torch.no_grad()
    def work(step: int) -> int:
        training.network(batch)
        return len(batch)

    return work


def _timed(work: Work, limit_s: float, device: torch.device) -> float:
    """Return the seconds per image."""
    images, start = 0, time.perf_counter()
    for step in range(WARM_UP + MOST):
        if step == WARM_UP:
            images, start = 0, _now(device)
        images += work(step)
        if step > WARM_UP and time.perf_counter() - start > limit_s:
            break
    return (_now(device) - start) / images


def _now(device: torch.device) -> float:
    """Read the clock once the device has finished its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
