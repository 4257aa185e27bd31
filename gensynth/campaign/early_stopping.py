"""Early stopping: whether a training of the search ends before its last epoch.

A rule is a frozen dataclass whose fields are its keys in the `[stopping]` table, with one method
that is called after every epoch, as in Optuna's pruners. It is found by the name of an entry point
(group `gensynth.early_stopping`) or as `module:class` next to the experiment. It keeps no state and
sees only the curves, so an interrupted campaign decides like an uninterrupted one.
docs/early_stopping.md explains how to write one.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

from gensynth.errors import InputError
from gensynth.evaluation.constraint import raised
from gensynth.evaluation.measurement import Measurement

ENOUGH = 4
"""Completed trainings needed to estimate how far one may rise; with fewer, nothing is stopped."""


@dataclass
class Curve:
    """The measurements of one training so far."""

    completed: bool = False
    """Whether the training reached its last epoch."""
    at: dict[int, Measurement] = field(default_factory=dict)
    """Measurements by epoch, counted from 1."""

    @property
    def last(self) -> Measurement:
        """The measurement of the latest epoch."""
        return self.at[max(self.at)]


@dataclass(frozen=True)
class Running:
    """A training that has just finished an epoch, and all that a rule may know about it."""

    number: int
    """The candidate's number."""
    latest: Measurement
    """The measurement of the epoch that has just ended."""
    epochs: int
    """Length of a full training."""
    curves: Mapping[int, Curve]
    """Trainings of this search by number, this one included; crashed ones are left out."""
    is_admitted: Callable[[Measurement], bool]
    """Whether a candidate that ends with a measurement would be among the finalists."""

    def would_reach_finals(self, top1: float) -> bool:
        """Whether the candidate would be among the finalists if it ended at `top1` percent.

        All its constraints must hold then, and its value must exceed that of the last finalist.
        """
        return self.is_admitted(replace(self.latest, top1=top1))


@runtime_checkable
class EarlyStopping(Protocol):
    """Decides which trainings of the search end early."""

    def stops(self, running: Running, /) -> bool:
        """Whether the training ends now. Called after each epoch but the last."""
        ...


@dataclass(frozen=True)
class Halving:
    """Asynchronous successive halving (Li et al. 2020, arXiv 1810.05934), stopping variant.

    At the epochs `first`, `first * reduction`, ... a training goes on if it is among the best
    `1 / reduction` of all trainings that have reached that epoch. U rewards small networks, which
    learn more slowly than large ones and rank low early on. A training that falls behind is
    therefore stopped only if it would miss the finals even if its top-1 rose from here as far as
    that of any completed training did.
    """

    first: int = 5
    """Epochs before the first decision."""
    reduction: int = 3
    """One training in so many goes on at each of these epochs."""

    def __post_init__(self) -> None:
        """Refuse epochs that do not grow."""
        if self.first < 1:
            raise InputError("first", f"must be at least 1 (epoch), got {self.first}")
        if self.reduction < 2:
            raise InputError("reduction", f"must be at least 2, got {self.reduction}")

    def stops(self, running: Running, /) -> bool:
        """Whether the training falls behind without hope of the finals."""
        if not self.is_behind(running):
            return False
        hope = self.hope(running)
        return hope is not None and not running.would_reach_finals(hope)

    def is_behind(self, running: Running) -> bool:
        """Whether the training is at a rung and not among the best share that reached it."""
        epoch = running.latest.epoch
        if not self._is_rung(epoch, running.epochs):
            return False
        seen = [curve.at[epoch].top1 for curve in running.curves.values() if epoch in curve.at]
        if len(seen) < self.reduction:
            return False
        best = sorted(seen, reverse=True)[: math.ceil(len(seen) / self.reduction)]
        return running.latest.top1 < best[-1]

    def hope(self, running: Running) -> float | None:
        """Return the top-1 that the training may reach, in percent.

        It rises as far as the completed training that rose most from the same epoch. None if too
        few are complete.
        """
        epoch = running.latest.epoch
        completed = [c for c in running.curves.values() if c.completed and epoch in c.at]
        if len(completed) < ENOUGH:
            return None
        rise = max(curve.last.top1 - curve.at[epoch].top1 for curve in completed)
        return min(running.latest.top1 + rise, 100.0)

    def _is_rung(self, epoch: int, epochs: int) -> bool:
        rung = self.first
        while rung < epoch:
            rung *= self.reduction
        return rung == epoch < epochs


@dataclass(frozen=True)
class Never:
    """Trains every candidate to its last epoch.

    The keys of `halving` are accepted and ignored, so that changing `rule` alone switches it off.
    """

    first: int = 5
    """Ignored."""
    reduction: int = 3
    """Ignored."""

    def stops(self, running: Running, /) -> bool:
        """Return False."""
        return False


class SearchCurves:
    """The curves of a search, from which a rule decides."""

    def __init__(self, rule: EarlyStopping, epochs: int) -> None:
        """Begin without curves; `epochs` is the length of a full training."""
        self._rule = rule
        self._epochs = epochs
        self._curves: dict[int, Curve] = {}

    def goes_on(
        self, number: int, measurement: Measurement, is_admitted: Callable[[Measurement], bool]
    ) -> bool:
        """Enter a measurement of candidate `number`; return whether its training goes on.

        `is_admitted` returns whether the candidate would be a finalist if it ended so.
        """
        self._curves.setdefault(number, Curve()).at[measurement.epoch] = measurement
        if measurement.epoch >= self._epochs:
            return True
        running = Running(number, measurement, self._epochs, self._curves, is_admitted)
        try:
            return not self._rule.stops(running)
        except Exception as error:
            problem = f"rule {type(self._rule).__name__} failed: {raised(error)}"
            raise InputError("stopping", problem) from error

    def remember(self, number: int, curve: Sequence[Measurement], completed: bool) -> None:
        """Enter a curve that has ended, `completed` or stopped early."""
        entered = self._curves.setdefault(number, Curve())
        entered.at.update({measurement.epoch: measurement for measurement in curve})
        entered.completed = completed
