"""What a candidate is worth trying: the expected improvement of the pursued value.

Only the accuracy is uncertain. Everything else is computed: the accuracy from which a candidate
would beat the best, and how its value rises from there, follow from its known costs.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy import float64
from numpy.typing import NDArray
from scipy.special import log_ndtr

from gensynth.generators.problem import Foresight, Problem
from gensynth.generators.synthesis.ensemble import log_mean

Floats = NDArray[float64]
PERCENT = np.array([1, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 88, 91, 93, 95, 96, 97, 98, 99, 100])


@dataclass(frozen=True)
class Outlook:
    """Values and violations of candidates (rows) at supposed accuracies (columns)."""

    grid: Floats
    """Supposed accuracies, ascending, (g,)."""
    value: Floats
    """(n, g), finite."""
    holds: NDArray[np.bool_]
    """Whether every rule that the accuracy decides would hold, (n, g)."""

    @property
    def least(self) -> Floats:
        """Give the least supposed accuracy at which those rules hold, else the highest, (n,)."""
        return self.grid[np.where(self.holds.any(axis=1), self.holds.argmax(axis=1), -1)]


def grid_for(problem: Problem, foresight: Foresight, seen: Floats) -> Floats:
    """Choose accuracies to suppose: percentages, and both sides of where a rule begins to hold.

    What is measured may be no percentage (a table can hold anything): then the grid spans what
    was seen, and as much again on both sides.
    """
    if not percentages(seen):
        reach = max(float(seen.max() - seen.min()), 1e-6)
        grid = np.linspace(seen.min() - reach, seen.max() + reach, 41)
    else:
        grid = PERCENT.astype(float64)
    violation = problem.prospect(foresight, grid).violation
    changes = np.flatnonzero((violation[:-1] > 0) & (violation[1:] <= 0))
    edges = [_edge(problem, foresight, grid[k], grid[k + 1]) for k in changes]
    return np.unique(np.concatenate([grid, *edges])) if edges else grid


def percentages(seen: Floats) -> bool:
    """Say whether numbers may be percentages; what never exceeds 1 is rather a share."""
    return not len(seen) or bool(seen.min() >= 0 and 1 < seen.max() <= 100)


def _edge(problem: Problem, foresight: Foresight, low: float, high: float) -> Floats:
    """Halve the interval in which a rule begins to hold until it is next to nothing."""
    for _ in range(40):
        middle = (low + high) / 2
        if problem.prospect(foresight, np.array([middle])).violation[0] > 0:
            low = middle
        else:
            high = middle
    return np.array([low, high])


def filled(values: Floats) -> Floats:
    """Put the nearest finite value (the lower accuracy's first) where none exists."""
    known = np.flatnonzero(np.isfinite(values))
    if len(known) == 0:
        return np.zeros_like(values)
    return np.asarray(np.interp(np.arange(len(values)), known, values[known]))


def log_improvement(outlook: Outlook, mean: Floats, deviation: Floats, best: float) -> Floats:
    """Give the logarithm of the expected improvement over `best`, (n,).

    With accuracy N(mean, deviation^2), `start` the least accuracy that would be an improvement,
    `jump` the improvement there and `slope` its mean rise from there to what is likely, this is
    `log(jump * P(accuracy > start) + slope * E[max(accuracy - start, 0)])`.
    """
    start, jump, slope = _improving(outlook, best, mean + deviation, deviation)
    gap = (mean - start) / deviation
    with np.errstate(divide="ignore"):
        chance = np.log(jump) + log_ndtr(gap)
        rise = np.log(slope) + np.log(deviation) + _log_expected_excess(gap)
    return np.asarray(np.logaddexp(chance, rise))


def log_chance_of_improvement(
    outlook: Outlook, mean: Floats, deviation: Floats, best: float
) -> Floats:
    """Give the logarithm of the chance of any improvement over `best`, however small, (n,)."""
    start, _, _ = _improving(outlook, best, mean + deviation, deviation)
    return np.asarray(log_ndtr((mean - start) / deviation))


def log_chance(outlook: Outlook, mean: Floats, deviation: Floats) -> Floats:
    """Give the logarithm of the chance that the rules which the accuracy decides hold."""
    always = outlook.holds[:, 0]
    return np.where(always, 0.0, log_ndtr((mean - outlook.least) / deviation))


def averaged(
    gain: Callable[[Outlook, Floats, Floats, float], Floats],
    outlook: Outlook,
    members: Sequence[tuple[Floats, Floats]],
    best: float,
) -> Floats:
    """Average what each member gives as the logarithm of a gain over `best`, (n,)."""
    return log_mean(np.array([gain(outlook, mean, spread, best) for mean, spread in members]))


def _improving(
    outlook: Outlook, best: float, likely: Floats, width: Floats
) -> tuple[Floats, Floats, Floats]:
    grid, last = outlook.grid, len(outlook.grid) - 1
    better = outlook.holds & (outlook.value > best)
    first = np.where(better.any(axis=1), better.argmax(axis=1), last)
    index = np.arange(len(first))
    before = np.maximum(first - 1, 0)
    at, below = outlook.value[index, first], outlook.value[index, before]
    # Where the rules hold on both sides, the value itself says where it passes `best`.
    crosses = outlook.holds[index, before] & (below <= best) & (at > best)
    share = np.where(crosses, (at - best) / np.maximum(at - below, 1e-12), 0.0)
    start = grid[first] - share * (grid[first] - grid[before])
    jump = np.where(crosses, 0.0, np.maximum(at - best, 0.0))
    never = ~better.any(axis=1)
    end = np.minimum(np.maximum(likely, start + width), grid[last])
    begin = np.minimum(start, end - 1e-6)
    slope = (value_at(outlook, end) - value_at(outlook, begin)) / (end - begin)
    start = np.where(never, grid[last] + _missing(outlook, slope, best), start)
    return start, np.where(never, 0.0, jump), np.maximum(slope, 1e-12)


def value_at(outlook: Outlook, accuracy: Floats) -> Floats:
    """Interpolate each row's value at an accuracy of its own, (n,)."""
    grid = outlook.grid
    at = np.clip(accuracy, grid[0], grid[-1])
    high = np.clip(np.searchsorted(grid, at), 1, len(grid) - 1)
    share = (at - grid[high - 1]) / (grid[high] - grid[high - 1])
    index = np.arange(len(at))
    low_value, high_value = outlook.value[index, high - 1], outlook.value[index, high]
    return np.asarray(low_value + share * (high_value - low_value))


def _missing(outlook: Outlook, slope: Floats, best: float) -> Floats:
    """Say how much accuracy beyond the grid's end an improvement would take."""
    return np.asarray(np.maximum(best - outlook.value[:, -1], 0.0) / np.maximum(slope, 1e-12))


def _log_expected_excess(gap: Floats) -> Floats:
    """Give log(phi(u) + u Phi(u)), also far in the tail where it is about phi(u) / u^2."""
    density = np.exp(-0.5 * gap * gap) / math.sqrt(2 * math.pi)
    direct = density + gap * np.exp(log_ndtr(gap))
    tail = -0.5 * gap * gap - 0.5 * math.log(2 * math.pi) - 2 * np.log(np.maximum(-gap, 1.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(gap > -5, np.log(np.maximum(direct, 1e-300)), tail))
