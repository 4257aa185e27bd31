"""Early stopping by asynchronous successive halving, decided from recorded curves alone.

The rule is that of Li et al. 2020 (arXiv 1810.05934) in its stopping variant: at a rung, a
training goes on if it is among the best `1/reduction` of all that have reached the rung so far.
Ours adds one exemption: U rewards small networks, which learn more slowly than large ones, so a
training that is no worse than another was which proved feasible in the end goes on too.
"""

import math
from collections.abc import Iterable

from gensynth.experiment import Stopping
from gensynth.measurement import Measurement


class Halving:
    """Remembers what every training showed at each rung; rebuilt by showing it old curves."""

    def __init__(self, settings: Stopping, epochs: int) -> None:
        """Lay the rungs at `first * reduction**k` epochs, below the full length `epochs`."""
        self._reduction = settings.reduction
        self._rungs: dict[int, dict[int, float]] = {}
        self._enough: dict[int, float] = {}
        rung = settings.first
        while settings.rule == "halving" and rung < epochs:
            self._rungs[rung] = {}
            rung *= settings.reduction

    def goes_on(self, number: int, measurement: Measurement) -> bool:
        """Enter a measurement of candidate `number`; say whether to continue its training."""
        epoch, top1 = measurement.epoch, measurement.top1
        seen = self._rungs.get(epoch)
        if seen is None:
            return True
        seen[number] = top1
        if len(seen) < self._reduction or top1 >= self._enough.get(epoch, math.inf):
            return True
        best = sorted(seen.values(), reverse=True)[: math.ceil(len(seen) / self._reduction)]
        return top1 >= best[-1]

    def remember(self, number: int, curve: Iterable[Measurement]) -> None:
        """Enter a recorded curve without deciding anything."""
        for measurement in curve:
            if measurement.epoch in self._rungs:
                self._rungs[measurement.epoch][number] = measurement.top1

    def proved_feasible(self, curve: Iterable[Measurement]) -> None:
        """Learn what sufficed at each rung from a training that kept every enforced rule."""
        for measurement in curve:
            if measurement.epoch in self._rungs:
                enough = self._enough.get(measurement.epoch, math.inf)
                self._enough[measurement.epoch] = min(enough, measurement.top1)
