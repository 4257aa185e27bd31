"""Training one network to the end, by the same recipe for all: ours, presets and peers alike.

What differs from one network to the next is the learning rate alone, chosen by validation from
the same few values for each, so that nobody's network is trained by a rate that suits another's.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gensynth.evaluation.measurement import Measurement
from gensynth.training.job import Diverged, Job
from gensynth.training.loop import train

RATES = (0.1, 0.2, 0.4)
"""Learning rates that are tried, for the optimizer `sgd`."""
TRIAL_SHARE = 0.2
"""Length of the trials, as a share of the training."""
LAST_SHARE = 0.2
FLAT_GAIN = 0.3
"""Percentage points over the last `LAST_SHARE` below which a curve counts as flat."""

Watch = Callable[[float, Measurement], None]
"""Told the learning rate and each measurement of the trials."""


@dataclass(frozen=True)
class Choice:
    """The learning rate that was chosen, and what each rate reached on validation (percent)."""

    rate: float
    top1s: Mapping[float, float | None]
    """None where a training diverged."""


def choose_rate(job: Job, rates: Sequence[float] = RATES, watch: Watch | None = None) -> Choice:
    """Train `job` shortly with each of `rates` and choose the one of the best validation top-1.

    Trials train on the train split alone, keep no weights, never measure the test split, and are
    resumed after an interruption as every training is. Of equal rates the smaller one is chosen.

    Raises:
        Diverged: the training diverged with every rate.
    """
    reached = {rate: _reached(_trial(job, rate), rate, watch) for rate in sorted(rates)}
    top1s = {rate: top1 for rate, top1 in reached.items() if not isinstance(top1, Diverged)}
    for error in reached.values():
        if not top1s and isinstance(error, Diverged):
            raise error
    best = max(top1s, key=lambda rate: top1s[rate])
    return Choice(best, {rate: top1s.get(rate) for rate in reached})


def train_long(job: Job, rate: float) -> Iterator[Measurement]:
    """Train `job` to its end at the chosen learning rate; resumes where it was interrupted."""
    return train(replace(job, recipe=replace(job.recipe, learning_rate=rate)))


def gain_at_end(curve: Sequence[Measurement]) -> float | None:
    """Give the points of top-1 gained over the last fifth of a curve, by a straight line.

    None where a fifth of it is less than three epochs. As the learning rate always ends at 0,
    a flat end says that this schedule is done, not that a longer one would gain nothing.
    """
    last = round(LAST_SHARE * len(curve))
    if last < 3:
        return None
    top1s = [measurement.top1 for measurement in curve[-last:]]
    slope = np.polynomial.polynomial.polyfit(np.arange(last), top1s, 1)[1]
    return float(slope) * (last - 1)


def is_flat(curve: Sequence[Measurement]) -> bool | None:
    """Say whether a curve has flattened; None where it is too short to tell."""
    gain = gain_at_end(curve)
    return None if gain is None else gain < FLAT_GAIN


def _reached(job: Job, rate: float, watch: Watch | None) -> float | Diverged:
    top1 = 0.0
    try:
        for measurement in train(job):
            top1 = measurement.top1
            if watch is not None:
                watch(rate, measurement)
    except Diverged as error:
        return error
    return top1


def _trial(job: Job, rate: float) -> Job:
    epochs = max(2, round(TRIAL_SHARE * job.recipe.epochs))
    return replace(
        job,
        recipe=replace(job.recipe, epochs=epochs, learning_rate=rate),
        folder=str(Path(job.folder) / f"rate-{rate:g}"),
        splits=("train",),
        measure_test=False,
        keep_weights=False,
    )
