"""Train one network to the end by a recipe that is the same for all networks.

Only the learning rate differs from one network to the next. It is chosen on the validation split
from the same few values for each, so that no network is trained at a rate that suits another.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gensynth.evaluation.measurement import Measurement
from gensynth.training.job import Diverged, Job
from gensynth.training.loop import train

RATES = (0.1, 0.2, 0.4)
"""Default learning rates to try, for the optimizer `sgd`."""
FINE_TUNING_RATES = (0.01, 0.03, 0.1)
"""Default learning rates for a network that is trained already: smaller, to keep what it knows."""
TRIAL_SHARE = 0.2
"""Length of a trial, as a share of the training."""
LAST_SHARE = 0.2
"""The end of a curve, as a share of it."""
FLAT_GAIN = 0.3
"""A curve is flat if its end gains fewer percentage points than this."""

OnMeasurement = Callable[[float, Measurement], None]
"""Called with the learning rate and each measurement."""


@dataclass(frozen=True)
class Choice:
    """The learning rate that was chosen, and the result of each trial."""

    rate: float
    top1s: Mapping[float, float | None]
    """Validation top-1 (percent) by learning rate; None if the trial diverged."""


def choose_rate(
    job: Job, rates: Sequence[float] = RATES, watch: OnMeasurement | None = None
) -> Choice:
    """Run a short training of `job` at each of `rates`, and choose the best validation top-1.

    These trials train on the train split only, keep no weights, never measure the test split, and
    resume after an interruption like any other training. Of two equally good rates, the smaller
    one is chosen.

    Raises:
        Diverged: the training diverged at every rate.
    """
    reached = {rate: _reached(_trial(job, rate), rate, watch) for rate in sorted(rates)}
    top1s = {rate: top1 for rate, top1 in reached.items() if not isinstance(top1, Diverged)}
    for error in reached.values():
        if not top1s and isinstance(error, Diverged):
            raise error
    best = max(top1s, key=lambda rate: top1s[rate])
    return Choice(best, {rate: top1s.get(rate) for rate in reached})


def train_long(job: Job, rate: float) -> Iterator[Measurement]:
    """Train `job` to its end at the learning rate `rate`; resumes after an interruption."""
    return train(replace(job, recipe=replace(job.recipe, learning_rate=rate)))


def gain_at_end(curve: Sequence[Measurement]) -> float | None:
    """Return the gain in top-1 (percentage points) over the last fifth of a curve.

    The gain is that of a straight line fitted to these epochs; None if there are fewer than three.
    As the learning rate always ends at 0, a flat end means that this schedule is finished, not
    that a longer one would gain nothing.
    """
    last = round(LAST_SHARE * len(curve))
    if last < 3:
        return None
    top1s = [measurement.top1 for measurement in curve[-last:]]
    slope = np.polynomial.polynomial.polyfit(np.arange(last), top1s, 1)[1]
    return float(slope) * (last - 1)


def is_flat(curve: Sequence[Measurement]) -> bool | None:
    """Return whether a curve ends flat; None if it is too short to tell."""
    gain = gain_at_end(curve)
    return None if gain is None else gain < FLAT_GAIN


def _reached(job: Job, rate: float, watch: OnMeasurement | None) -> float | Diverged:
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
