"""Early stopping by asynchronous successive halving, decided from recorded curves alone.

The rule is that of Li et al. 2020 (arXiv 1810.05934) in its stopping variant: at a rung, a
training goes on if it is among the best `1/reduction` of all that have reached the rung so far.
Ours adds a hope: U rewards small networks, which learn more slowly than large ones and rank low at
a rung. What falls behind is therefore stopped only where it would not be among the best few even
if it rose from here as far as any completed training did.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from gensynth.campaign.experiment import Stopping
from gensynth.evaluation.measurement import Measurement

ENOUGH = 4
"""Completed trainings before which nobody can say how far one may rise: nothing is stopped."""


class Halving:
    """Remembers what every training showed at each rung; rebuilt by showing it old curves."""

    def __init__(self, settings: Stopping, epochs: int) -> None:
        """Lay the rungs at `first * reduction**k` epochs, below the full length `epochs`."""
        self._reduction = settings.reduction
        self._rungs: dict[int, dict[int, float]] = {}
        self._rises: dict[int, list[float]] = {}
        rung = settings.first
        while settings.rule == "halving" and rung < epochs:
            self._rungs[rung], self._rises[rung] = {}, []
            rung *= settings.reduction

    def goes_on(self, number: int, measurement: Measurement) -> bool:
        """Enter a measurement of candidate `number`; say whether it is not behind the others."""
        seen = self._rungs.get(measurement.epoch)
        if seen is None:
            return True
        seen[number] = measurement.top1
        if len(seen) < self._reduction:
            return True
        best = sorted(seen.values(), reverse=True)[: math.ceil(len(seen) / self._reduction)]
        return measurement.top1 >= best[-1]

    def hope(self, measurement: Measurement) -> Measurement | None:
        """Suppose that a training at a rung rises as far as any completed one did from there.

        None where too few are complete to tell.
        """
        rises = self._rises[measurement.epoch]
        if len(rises) < ENOUGH:
            return None
        return replace(measurement, top1=min(measurement.top1 + max(rises), 100.0))

    def remember(self, number: int, curve: Sequence[Measurement], completed: bool) -> None:
        """Enter a curve that has ended; a `completed` one tells how far a training may rise."""
        for measurement in curve:
            if measurement.epoch in self._rungs:
                self._rungs[measurement.epoch][number] = measurement.top1
                if completed:
                    rise = curve[-1].top1 - measurement.top1
                    self._rises[measurement.epoch].append(rise)
