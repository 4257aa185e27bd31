"""The training loop: a network, its data and its optimizer, one epoch after the other."""

import logging
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gensynth.data.batches import Batches
from gensynth.data.open import open_data, reopen_data
from gensynth.data.sets import DataSet, DataSettings
from gensynth.data.split import stratified
from gensynth.errors import InputError
from gensynth.evaluation.measurement import Measurement
from gensynth.genome import digest
from gensynth.latency.machine import sharing
from gensynth.serialization import dumps
from gensynth.space import make
from gensynth.training import checkpoint
from gensynth.training.augment import augmented, draw
from gensynth.training.checkpoint import Checkpoint
from gensynth.training.device import keep_freed_memory, resolve, set_threads
from gensynth.training.fitting import parts_of
from gensynth.training.job import WEIGHTS, Diverged, Job
from gensynth.training.optimizer import (
    MovingAverage,
    make_optimizer,
    optimizer_state,
    rate_at,
    restore_optimizer,
)

_log = logging.getLogger(__name__)
EVALUATION_BATCH = 512
MAX_CONFUSION_CLASSES = 100
"""Confusion matrices of more classes are not kept: they would outweigh the record."""
SUBSET_SEED = 0
"""A share of the data is the same share for every training, or rankings would be noisier."""


def train(job: Job) -> Iterator[Measurement]:
    """Yield the whole curve of `job`, from its checkpoint as far as that goes."""
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
        except GeneratorExit:  # Ended early, and perhaps for today only.
            if job.checkpoint_s is not None and saved < now and not last:
                training.save(curve)
            raise


def identity_of(job: Job) -> str:
    """Name what decides a training's result: two jobs with one identity train alike."""
    deciding = (job.source, job.data_fingerprint, job.recipe, job.training_seed)
    return digest(dumps((*deciding, job.splits, job.measure_test, job.measure_int8)))


class Training:
    """A training in progress: the network, its moving average, its optimizer."""

    def __init__(self, job: Job, data: DataSet) -> None:
        """Build the network from the job's seed and put everything in place."""
        self.job, self.data = job, data
        self.device = resolve(job.device)
        self.network = _built(job).to(self.device)
        self.layout = torch.channels_last if job.recipe.channels_last else torch.contiguous_format
        self.network.to(memory_format=self.layout)  # type: ignore[call-overload]
        self.optimizer = make_optimizer(self.network, job.recipe)
        decay = job.recipe.ema_decay
        self.average = MovingAverage(self.network, decay) if decay else None
        self.images = self._batches(*job.splits)
        self.chosen = _subset(self.images.labels.cpu(), data, job.recipe.data_share)
        # A batch of one image has no statistics to normalise by.
        most = max(1, len(self.chosen) // 2)
        self.steps = min(most, max(1, round(len(self.chosen) / job.recipe.batch_size)))
        self.held_out = None if "validation" in job.splits else self._batches("validation")

    @property
    def measured(self) -> nn.Module:
        """The network that is measured and kept: the moving average where there is one."""
        return self.average.network if self.average else self.network

    def epoch(self, epoch: int) -> Measurement:
        """Train for one epoch (from 1) and measure; `seconds` is left to the caller."""
        loss, right = self._train(epoch)
        if not math.isfinite(loss):
            raise Diverged(epoch, loss)
        top1, test_top1, confusion = right, None, None
        if self.held_out is not None:
            confusion = self._confusion(self.held_out)
            top1 = _top1(confusion)
        last = epoch == self.job.recipe.epochs
        if last and self.job.measure_test:
            confusion = self._confusion(self._batches("test"))
            test_top1 = _top1(confusion)
        kept = last and confusion is not None and len(confusion) <= MAX_CONFUSION_CLASSES
        table = tuple(map(tuple, confusion.tolist())) if confusion is not None and kept else ()
        lost = self._int8_loss(top1) if last and self.job.measure_int8 else None
        return Measurement(epoch, top1, loss, 0.0, table, test_top1, lost)

    def save(self, curve: tuple[Measurement, ...]) -> None:
        """Write a checkpoint after the epochs of `curve`."""
        tensors = {f"network/{name}": t for name, t in self.network.state_dict().items()}
        if self.average:
            averaged = self.average.network.state_dict()
            tensors |= {f"average/{name}": t for name, t in averaged.items()}
        state = optimizer_state(self.network, self.optimizer)
        tensors |= {f"optimizer/{name}": t for name, t in state.items()}
        folder = Path(self.job.folder)
        checkpoint.save(folder, identity_of(self.job), Checkpoint(curve, tensors))

    def resume(self) -> tuple[Measurement, ...]:
        """Go on from the job's checkpoint; give the curve up to there, empty without one."""
        stored = checkpoint.load(Path(self.job.folder), identity_of(self.job))
        if stored is None:
            return ()
        networks = {"network": self.network}
        if self.average:
            networks["average"] = self.average.network
        try:
            parts = parts_of(stored, networks, self.job.recipe.epochs)
        except InputError as error:
            _log.warning("%s: %s: the training starts again", self.job.folder, error)
            return ()
        for name, network in networks.items():
            network.load_state_dict(parts[name])
        restore_optimizer(self.network, self.optimizer, parts["optimizer"])
        return stored.curve

    def finish(self) -> None:
        """Write the weights, where the job wants them."""
        if self.job.keep_weights:
            path = Path(self.job.folder) / WEIGHTS
            checkpoint.write_tensors(path, self.measured.state_dict(), {})

    def _train(self, epoch: int) -> tuple[float, float]:
        """Go once through the data; give the mean loss and the percent classified right."""
        recipe = self.job.recipe
        rng = _generator(self.job.training_seed, epoch)
        order = self.chosen[torch.randperm(len(self.chosen), generator=rng)]
        draws = draw(recipe.augment, len(order), self.images.size, rng).to(self.device)
        order = order.to(self.images.place)
        sums = torch.zeros(2, device=self.device)
        self.network.train()
        begin = 0
        with _seeded(rng.initial_seed(), self.device), sharing() as give_way:
            for step, index in enumerate(order.tensor_split(self.steps)):
                rows = slice(begin, begin := begin + len(index))
                images, labels = self.images.at(index)
                images = augmented(images, draws.of(rows))
                sums += self.step(images, labels, (epoch - 1) * self.steps + step)
                give_way()
        loss, right = (sums / len(order)).tolist()
        return loss, 100 * right

    def step(self, images: Tensor, labels: Tensor, step: int) -> Tensor:
        """Learn from one batch; give the sums of its loss and of what it got right."""
        recipe = self.job.recipe
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(step, self.steps * recipe.epochs, recipe)
        with self._autocast():
            answers = self.network(images)
            loss = functional.cross_entropy(answers, labels, label_smoothing=recipe.label_smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.average:
            self.average.update(step)
        right = (answers.detach().argmax(1) == labels).sum()
        return torch.stack((loss.detach() * len(labels), right))

    @torch.no_grad()
    def _confusion(self, batches: Batches) -> Tensor:
        """Count images by (true class, predicted class), on the CPU."""
        classes = self.data.task.classes
        counts = torch.zeros(classes * classes, dtype=torch.int64, device=self.device)
        self.measured.eval()
        with sharing() as give_way:
            for images, labels in batches.in_order(EVALUATION_BATCH):
                with self._autocast():
                    predicted = self.measured(images).argmax(1)
                counts += torch.bincount(labels * classes + predicted, minlength=classes**2)
                give_way()
        return counts.view(classes, classes).cpu()

    def _int8_loss(self, top1: float) -> float | None:
        if self.held_out is None:
            return None
        from gensynth.formats.int8_loss import top1_loss

        with sharing():
            return top1_loss(self.measured, self.images, self.held_out, top1)

    def _batches(self, *splits: str) -> Batches:
        size = self.job.source.input_shape[1:]
        return Batches(self.data, splits, size, self.device, self.layout)

    def _autocast(self) -> torch.autocast:
        wish = self.job.recipe.precision
        enabled = wish == "bf16" or (wish == "auto" and self.device.type == "cuda")
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)


def data_of(job: Job) -> DataSet:
    """Open the job's data, once per process."""
    return _data(job.data, job.data_fingerprint, job.cache)


@lru_cache(maxsize=2)
def _data(settings: DataSettings, fingerprint: str, cache: str | None) -> DataSet:
    """Open the data once per process; other data than the campaign's is refused."""
    folder = Path(cache) if cache else None
    data = reopen_data(settings, fingerprint, folder) or open_data(settings, folder)
    if data.fingerprint != fingerprint:
        raise InputError(settings.path, "the data has changed since the campaign began")
    return data


def _built(job: Job) -> nn.Module:
    for folder in job.import_paths:
        if folder not in sys.path:
            sys.path.append(folder)
    with _seeded(_generator(job.training_seed, 0).initial_seed(), torch.device("cpu")):
        return make(job.source)


def _subset(labels: Tensor, data: DataSet, share: float) -> Tensor:
    if share == 1:
        return torch.arange(len(labels))
    counts = torch.bincount(labels)[labels]
    # The only image of a class is used: no class may vanish.
    lone, rows = torch.nonzero(counts == 1)[:, 0], torch.nonzero(counts > 1)[:, 0]
    if not len(rows):
        return lone
    parts = stratified(labels[rows].numpy(), data.class_names, {"used": share}, SUBSET_SEED)
    return torch.cat((lone, rows[parts["used"]])).sort().values


def _generator(seed: int, epoch: int) -> torch.Generator:
    state = np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's own generators for initial weights and dropout, and put them back after."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def _top1(confusion: Tensor) -> float:
    return 100 * float(confusion.trace()) / float(confusion.sum())
