"""The training loop: trains a network epoch by epoch and measures it after each."""

import logging
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from gensynth.data.batches import Batches
from gensynth.data.open import open_data, reopen_data
from gensynth.data.sets import DataSet, DataSettings
from gensynth.errors import InputError
from gensynth.evaluation.measurement import Measurement
from gensynth.formats.int8_loss import top1_loss
from gensynth.former_names import former
from gensynth.genome import digest
from gensynth.latency.machine import sharing
from gensynth.serialization import dumps
from gensynth.training import checkpoint
from gensynth.training.augment import augmented
from gensynth.training.checkpoint import Checkpoint
from gensynth.training.epoch_data import (
    EpochData,
    class_weights,
    epoch_data_of,
    seeded,
    subset,
)
from gensynth.training.job import WEIGHTS, Diverged, Job, deciding
from gensynth.training.optimizer import (
    MovingAverage,
    make_optimizer,
    optimizer_state,
    rate_at,
    restore_optimizer,
)
from gensynth.training.starting_weights import built
from gensynth.training.torch_device import keep_freed_memory, resolve, set_threads

_log = logging.getLogger(__name__)
EVALUATION_BATCH = 512
"""Images per batch when a network is measured."""
MAX_CONFUSION_CLASSES = 100
"""Larger confusion matrices are not kept, since they would dominate the record."""


def train(job: Job) -> Iterator[Measurement]:
    """Train `job` and yield a measurement per epoch, first those that its checkpoint holds.

    A training that is resumed is bitwise equal to one that was never interrupted. Whoever iterates
    decides when to stop.

    Raises:
        Diverged: the training loss is not finite any more.
        InputError: the data cannot be opened, or has changed since the campaign began.
    """
    set_threads(job.threads)
    keep_freed_memory()
    training = Training(job, data_of(job))
    curve = training.resume()
    if len(curve) == job.recipe.epochs:
        training.finish()
    yield from curve
    start = saved = time.perf_counter()
    before = curve[-1].seconds if curve else 0.0
    for epoch in range(len(curve) + 1, job.recipe.epochs + 1):
        measured = training.epoch(epoch)
        now = time.perf_counter()
        curve += (replace(measured, seconds=before + now - start),)
        last = epoch == job.recipe.epochs
        since = curve[-1].seconds if last else now - saved
        if job.checkpoint_s is not None and since >= job.checkpoint_s:
            training.save(curve)
            saved = now
        if last:
            training.finish()
        try:
            yield curve[-1]
        except GeneratorExit:  # Stopped early, but it may be resumed later.
            if job.checkpoint_s is not None and saved < now and not last:
                training.save(curve)
            raise


def identity_of(job: Job) -> str:
    """Return a digest of all that determines the result: jobs of equal identity train alike.

    It uses the former names of modules, so that a checkpoint stays valid when a module moves.
    """
    source = replace(job.source, module=former(job.source.module))
    parts = (source, job.data_fingerprint, deciding(job.recipe), job.training_seed)
    start = () if job.start is None else (job.start.identity,)
    return digest(dumps((*parts, job.splits, job.measure_test, job.measure_int8, *start)))


class Training:
    """A training in progress: the network, its moving average and its optimizer."""

    def __init__(self, job: Job, data: DataSet, beside: "Training | None" = None) -> None:
        """Build the network from the job's seed and prepare the data, or share it with `beside`."""
        self.job, self.data = job, data
        self.device = resolve(job.device)
        self.network = built(job).to(self.device)
        self.layout = torch.channels_last if job.recipe.channels_last else torch.contiguous_format
        self.network.to(memory_format=self.layout)  # type: ignore[call-overload]
        self.optimizer = make_optimizer(self.network, job.recipe)
        decay = job.recipe.ema_decay
        self.average = MovingAverage(self.network, decay) if decay else None
        self.images: Batches = beside.images if beside else self._batches(*job.splits)
        self.chosen = subset(self.images.labels.cpu(), data, job.recipe.data_share)
        self.labels = self.images.labels[self.chosen.to(self.images.place)].cpu()
        weighs = job.recipe.balance == "weights"
        weights = class_weights(self.labels, data.task.classes).to(self.device)
        self.weights = weights if weighs else None
        # Batch normalisation needs more than one image.
        most = max(1, len(self.chosen) // 2)
        self.steps = min(most, max(1, round(len(self.chosen) / job.recipe.batch_size)))
        self.held_out: Batches | None = beside.held_out if beside else self._unseen()

    @property
    def measured(self) -> nn.Module:
        """The network that is measured and kept: the moving average, if there is one."""
        return self.average.network if self.average else self.network

    def epoch(self, epoch: int) -> Measurement:
        """Train epoch number `epoch` (from 1) and measure; the caller fills in `seconds`."""
        return self.measure(epoch, *self._train(epoch))

    def measure(self, epoch: int, loss: float, right: float) -> Measurement:
        """Measure after an epoch of mean `loss` whose top-1 (percent) meanwhile was `right`.

        Raises:
            Diverged: the loss is not finite.
        """
        if not math.isfinite(loss):
            raise Diverged(epoch, loss)
        top1, test_top1, confusion = right, None, None
        if self.held_out is not None:
            confusion = self.confusion(self.held_out)
            top1 = top1_of(confusion)
        last = epoch == self.job.recipe.epochs
        if last and self.job.measure_test:
            confusion = self.confusion(self._batches("test"))
            test_top1 = top1_of(confusion)
        kept = last and confusion is not None and len(confusion) <= MAX_CONFUSION_CLASSES
        table = tuple(map(tuple, confusion.tolist())) if confusion is not None and kept else ()
        lost = self._int8_loss(top1) if last and self.job.measure_int8 else None
        return Measurement(epoch, top1, loss, 0.0, table, test_top1, lost)

    def save(self, curve: tuple[Measurement, ...]) -> None:
        """Write a checkpoint after the epochs of `curve`."""
        checkpoint.save(Path(self.job.folder), identity_of(self.job), self.state(curve))

    def state(self, curve: tuple[Measurement, ...]) -> Checkpoint:
        """Return a checkpoint after the epochs of `curve`."""
        tensors = {f"network/{name}": t for name, t in self.network.state_dict().items()}
        if self.average:
            averaged = self.average.network.state_dict()
            tensors |= {f"average/{name}": t for name, t in averaged.items()}
        state = optimizer_state(self.network, self.optimizer)
        tensors |= {f"optimizer/{name}": t for name, t in state.items()}
        return Checkpoint(curve, tensors)

    def resume(self) -> tuple[Measurement, ...]:
        """Restore the job's checkpoint, if any, and return its curve, which is empty if none."""
        stored = checkpoint.load(Path(self.job.folder), identity_of(self.job))
        return self.restore(stored) if stored else ()

    def restore(self, stored: Checkpoint) -> tuple[Measurement, ...]:
        """Go on from a checkpoint and return its curve, which is empty if it does not fit."""
        networks = {"network": self.network}
        if self.average:
            networks["average"] = self.average.network
        try:
            parts = checkpoint.parts_of(stored, networks, self.job.recipe.epochs)
        except InputError as error:
            _log.warning("%s: %s: the training starts again", self.job.folder, error)
            return ()
        for name, network in networks.items():
            network.load_state_dict(parts[name])
        restore_optimizer(self.network, self.optimizer, parts["optimizer"])
        return stored.curve

    def finish(self) -> None:
        """Write the weights, if the job keeps them."""
        if self.job.keep_weights:
            path = Path(self.job.folder) / WEIGHTS
            checkpoint.write_tensors(path, self.measured.state_dict(), {})

    def epoch_data(self, epoch: int) -> EpochData:
        """Return what epoch number `epoch` (from 1) shows."""
        shown = epoch_data_of(self.job, epoch, self.chosen, self.labels, self.images.size)
        return shown.on(self.images.place, self.device)

    def _train(self, epoch: int) -> tuple[float, float]:
        """Train on every image once; return the mean loss and the top-1 (percent) meanwhile."""
        shown = self.epoch_data(epoch)
        sums = torch.zeros(2, device=self.device)
        self.network.train()
        begin = 0
        with seeded(shown.seed, self.device), sharing() as give_way:
            for step, index in enumerate(shown.order.tensor_split(self.steps)):
                rows = slice(begin, begin := begin + len(index))
                images, labels = self.images.at(index)
                images = augmented(images, shown.draws.of(rows), self.images.normal)
                sums += self.step(images, labels, (epoch - 1) * self.steps + step)
                give_way()
        loss, right = (sums / len(shown.order)).tolist()
        return loss, 100 * right

    def step(self, images: Tensor, labels: Tensor, step: int) -> Tensor:
        """Learn from one batch; return (2,): the sum of its losses, and its correct answers."""
        recipe = self.job.recipe
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(step, self.steps * recipe.epochs, recipe)
        with self.autocast():
            answers = self.network(images)
            smooth, weights = recipe.label_smoothing, self.weights
            loss = functional.cross_entropy(answers, labels, weights, label_smoothing=smooth)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.average:
            self.average.update(step)
        right = (answers.detach().argmax(1) == labels).sum()
        return torch.stack((loss.detach() * len(labels), right))

    @torch.no_grad()
    def confusion(self, batches: Batches) -> Tensor:
        """Measure the network: count images by (true class, predicted class), on the CPU."""
        classes = self.data.task.classes
        counts = torch.zeros(classes * classes, dtype=torch.int64, device=self.device)
        self.measured.eval()
        with sharing() as give_way:
            for images, labels in batches.in_order(EVALUATION_BATCH):
                with self.autocast():
                    predicted = self.measured(images).argmax(1)
                counts += torch.bincount(labels * classes + predicted, minlength=classes**2)
                give_way()
        return counts.view(classes, classes).cpu()

    def _int8_loss(self, top1: float) -> float | None:
        if self.held_out is None:
            return None
        with sharing():
            return top1_loss(self.measured, self.images, self.held_out, top1)

    def _unseen(self) -> Batches | None:
        return None if "validation" in self.job.splits else self._batches("validation")

    def _batches(self, *splits: str) -> Batches:
        size = self.job.source.input_shape[1:]
        return Batches(self.data, splits, size, self.device, self.layout)

    def autocast(self) -> torch.autocast:
        """Return the context of the recipe's precision."""
        precision = self.job.recipe.precision
        enabled = precision == "bf16" or (precision == "auto" and self.device.type == "cuda")
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)


def data_of(job: Job) -> DataSet:
    """Open the job's data; later calls in this process return the same object.

    Raises:
        InputError: the data cannot be opened, or has changed since the campaign began.
    """
    data = _data(job.data, job.data_fingerprint, job.cache, job.source.input_shape[1:])
    return data if job.start is None else replace(data, mean=job.start.mean, std=job.start.std)


@lru_cache(maxsize=4)
def _data(
    settings: DataSettings, fingerprint: str, cache: str | None, size: tuple[int, int]
) -> DataSet:
    folder = Path(cache) if cache else None
    data = reopen_data(settings, fingerprint, folder) or open_data(settings, folder, size=size)
    if data.fingerprint != fingerprint:
        problem = "the data has changed since the campaign began; restore it, or use another folder"
        raise InputError(settings.path, problem)
    return data


def top1_of(confusion: Tensor) -> float:
    """Return the top-1 accuracy (percent) of a confusion matrix."""
    return 100 * float(confusion.trace()) / float(confusion.sum())
