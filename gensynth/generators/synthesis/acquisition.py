"""The acquisition function: the expected improvement of the pursued value, given the rules.

Only the accuracy is uncertain. Everything else is computed: from a candidate's known costs follow
the accuracy at which it would beat the best one, and how its value rises from there.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy import float64
from numpy.typing import NDArray
from scipy.special import log_ndtr

from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import Foresight, Problem
from gensynth.generators.synthesis.accuracy_posterior import PredictedAccuracy
from gensynth.generators.synthesis.candidates import SampledCandidate
from gensynth.generators.synthesis.ensemble import log_mean
from gensynth.generators.synthesis.requirements import Levels, last_improvement

Floats = NDArray[float64]


@dataclass(frozen=True)
class CandidateAssessments:
    """What I expects of candidates; each array has the shape (candidates,)."""

    acquisition: Floats
    """Logarithm of the acquisition function, rules included: the higher, the sooner to propose."""
    preference: Floats
    """Logarithm of the expected improvement over the median: what G should generate more of."""
    value: Floats
    """Expected pursued value, supposing that all rules hold."""
    chance: Floats
    """Probability that every enforced rule holds, 1_r."""
    mean: Floats
    """Posterior mean of the accuracy in percent, before the correction for optimism."""
    deviation: Floats
    """Posterior standard deviation of the accuracy in percent."""

    def accuracy(self, index: int) -> PredictedAccuracy:
        """Return the predicted accuracy of one candidate."""
        return PredictedAccuracy(float(self.mean[index]), float(self.deviation[index]))


PATIENCE = 8
"""Outcomes without a better one after which every second proposal maximises the probability of
improvement: otherwise, big improvements of small probability take all proposals."""
PERCENT = np.array([1, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 88, 91, 93, 95, 96, 97, 98, 99, 100])


# Values at supposed accuracies ----------------------------------------------------------------


@dataclass(frozen=True)
class ValueGrid:
    """Pursued values of candidates (rows) at supposed accuracies (columns)."""

    accuracy: Floats
    """The supposed accuracies, ascending, (g,)."""
    value: Floats
    """(n, g), finite."""
    holds: NDArray[np.bool_]
    """Whether every rule that the accuracy decides would hold, (n, g)."""
    reserve: float = 0.0
    """Points by which the expected accuracy must exceed the least one for the rules to hold on the
    lower bound on which they are confirmed."""

    @property
    def least(self) -> Floats:
        """The least supposed accuracy at which those rules hold, or the highest if none, (n,)."""
        return self.accuracy[np.where(self.holds.any(axis=1), self.holds.argmax(axis=1), -1)]

    @property
    def sure(self) -> Floats:
        """The least accuracy with the reserve, or the lowest if the rules hold anywhere, (n,)."""
        return np.where(self.holds[:, 0], self.accuracy[0], self.least + self.reserve)

    def value_at(self, accuracy: Floats) -> Floats:
        """Return each candidate's value at its own accuracy, linearly interpolated, (n,)."""
        grid = self.accuracy
        at = np.clip(accuracy, grid[0], grid[-1])
        high = np.clip(np.searchsorted(grid, at), 1, len(grid) - 1)
        share = (at - grid[high - 1]) / (grid[high] - grid[high - 1])
        index = np.arange(len(at))
        low_value, high_value = self.value[index, high - 1], self.value[index, high]
        return np.asarray(low_value + share * (high_value - low_value))

    def least_value(self) -> float:
        """Return the lowest value that any candidate has where its rules begin to hold."""
        held = np.where(self.holds, self.value, np.inf).min(axis=1)
        finite = held[np.isfinite(held)]
        return float(finite.min()) - 1e-6 if len(finite) else float(self.value.min())


class ValueGrids:
    """Computes value grids, and remembers the rows of each candidate.

    It begins anew when the observed accuracies leave the supposed ones.
    """

    def __init__(self, problem: Problem) -> None:
        """Remember nothing yet."""
        self.problem = problem
        self.decided: frozenset[str] = frozenset()
        """Names of the rules that the accuracy decides, as far as any candidate was asked for."""
        self._accuracy: Floats = np.zeros(0)
        self._percent = True
        self._known: dict[str, tuple[Floats, NDArray[np.bool_]]] = {}

    def of(self, candidates: Sequence[SampledCandidate], outcomes: Sequence[Outcome]) -> ValueGrid:
        """Return the grid of candidates, at accuracies around those of the outcomes."""
        seen = np.array([outcome.top1 for outcome in outcomes if outcome.top1 is not None])
        percent = are_percentages(seen)
        covered = percent if self._percent else _covers(self._accuracy, seen)
        if not len(self._accuracy) or percent != self._percent or not covered:
            self._accuracy = supposed_accuracies(self.problem, candidates[0].foresight, seen)
            self._percent = percent
            self._known.clear()
        rows = [self._row(candidate.foresight) for candidate in candidates]
        values, holds = np.array([v for v, _ in rows]), np.array([h for _, h in rows])
        return ValueGrid(self._accuracy, values, holds)

    def _row(self, foresight: Foresight) -> tuple[Floats, NDArray[np.bool_]]:
        name = foresight.genome_id
        if name not in self._known:
            prospect = self.problem.prospect(foresight, self._accuracy)
            self.decided |= frozenset(prospect.decided)
            self._known[name] = (filled(prospect.value), prospect.violation <= 0)
        return self._known[name]


def supposed_accuracies(problem: Problem, foresight: Foresight, seen: Floats) -> Floats:
    """Return accuracies to suppose, with one on each side of where a rule begins to hold.

    They are percentages if the observed accuracies `seen` may be. Otherwise (a table can hold
    anything) they span what was observed, and as much again on both sides.
    """
    if not are_percentages(seen):
        reach = max(float(seen.max() - seen.min()), 1e-6)
        grid = np.linspace(seen.min() - reach, seen.max() + reach, 41)
    else:
        grid = PERCENT.astype(float64)
    violation = problem.prospect(foresight, grid).violation
    changes = np.flatnonzero((violation[:-1] > 0) & (violation[1:] <= 0))
    edges = [_edge(problem, foresight, grid[k], grid[k + 1]) for k in changes]
    return np.unique(np.concatenate([grid, *edges])) if edges else grid


def are_percentages(seen: Floats) -> bool:
    """Whether numbers may be percentages; those that never exceed 1 are taken for shares."""
    return not len(seen) or bool(seen.min() >= 0 and 1 < seen.max() <= 100)


def _edge(problem: Problem, foresight: Foresight, low: float, high: float) -> Floats:
    """Bisect to the accuracy at which the rules begin to hold; return both of its sides."""
    for _ in range(40):
        middle = (low + high) / 2
        if problem.prospect(foresight, np.array([middle])).violation[0] > 0:
            low = middle
        else:
            high = middle
    return np.array([low, high])


def _covers(grid: Floats, seen: Floats) -> bool:
    return bool(len(grid) and grid[0] <= seen.min() and seen.max() <= grid[-1])


def filled(values: Floats) -> Floats:
    """Replace values that are not finite by interpolation between the nearest finite ones."""
    known = np.flatnonzero(np.isfinite(values))
    if len(known) == 0:
        return np.zeros_like(values)
    return np.asarray(np.interp(np.arange(len(values)), known, values[known]))


# Acquisition functions ------------------------------------------------------------------------

Acquisition = Callable[[ValueGrid, Floats, Floats, float], Floats]
"""From values, means and standard deviations of the accuracy, and the best value, to a logarithm
for each candidate, (n,)."""


def log_expected_improvement(
    grid: ValueGrid, mean: Floats, deviation: Floats, best: float
) -> Floats:
    """Return the logarithm of the expected improvement over `best`, (n,).

    With the accuracy a ~ N(mean, deviation^2), `start` the least accuracy that is an improvement,
    `jump` the improvement there and `slope` the mean rise of the value from there to a likely
    accuracy, it is `log(jump * P(a > start) + slope * E[max(a - start, 0)])`. The logarithm keeps
    hopeless candidates comparable (Ament et al., arXiv 2310.20708).
    """
    start, jump, slope = _improvement(grid, best, mean + deviation, deviation)
    gap = (mean - start) / deviation
    with np.errstate(divide="ignore"):
        chance = np.log(jump) + log_ndtr(gap)
        rise = np.log(slope) + np.log(deviation) + _log_expected_excess(gap)
    return np.asarray(np.logaddexp(chance, rise))


def log_probability_of_improvement(
    grid: ValueGrid, mean: Floats, deviation: Floats, best: float
) -> Floats:
    """Return the logarithm of the probability of any improvement over `best`, (n,)."""
    start, _, _ = _improvement(grid, best, mean + deviation, deviation)
    return np.asarray(log_ndtr((mean - start) / deviation))


def log_probability_feasible(grid: ValueGrid, mean: Floats, deviation: Floats) -> Floats:
    """Return the logarithm of the probability that the rules decided by the accuracy hold, (n,)."""
    always = grid.holds[:, 0]
    return np.where(always, 0.0, log_ndtr((mean - grid.sure) / deviation))


def ensemble_mean(
    acquisition: Acquisition,
    grid: ValueGrid,
    members: Sequence[tuple[Floats, Floats]],
    best: float,
) -> Floats:
    """Return the logarithm of the mean of an acquisition function over members, (n,).

    `members` are means and standard deviations of the accuracy, each (n,).
    """
    return log_mean(np.array([acquisition(grid, mean, spread, best) for mean, spread in members]))


def improvement_to_ask_for(tried: Sequence[Outcome], costs: Floats) -> Acquisition:
    """Return the acquisition function of the next proposal; see `PATIENCE`.

    `costs` are those of the outcomes `tried` that requirements limit, (m, costs).
    """
    values = [-np.inf if outcome.value is None else outcome.value for outcome in tried]
    since = len(values) - 1 - last_improvement(costs, values) if values else 0
    stuck = since >= PATIENCE and since % 2 == 0
    return log_probability_of_improvement if stuck else log_expected_improvement


def over_requirements(
    acquisition: Acquisition,
    grid: ValueGrid,
    members: Sequence[tuple[Floats, Floats]],
    found: Floats,
    by: Levels,
) -> Floats:
    """Return the logarithm of an acquisition function's mean over requirements, (n,).

    `found` are the values to improve on at each of the levels, (levels,).
    """
    each = [ensemble_mean(acquisition, grid, members, float(value)) for value in found]
    return np.asarray(np.logaddexp.reduce(np.array(each) + by.log_share, axis=0))


def _improvement(
    grid: ValueGrid, best: float, likely: Floats, width: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return `start`, `jump` and `slope` of `log_expected_improvement`, each (n,)."""
    accuracy, last = grid.accuracy, len(grid.accuracy) - 1
    better = grid.holds & (grid.value > best)
    first = np.where(better.any(axis=1), better.argmax(axis=1), last)
    index = np.arange(len(first))
    before = np.maximum(first - 1, 0)
    at, below = grid.value[index, first], grid.value[index, before]
    # If the rules hold on both sides, the value itself says where it exceeds `best`.
    crosses = grid.holds[index, before] & (below <= best) & (at > best)
    share = np.where(crosses, (at - best) / np.maximum(at - below, 1e-12), 0.0)
    start = accuracy[first] - share * (accuracy[first] - accuracy[before])
    jump = np.where(crosses, 0.0, np.maximum(at - best, 0.0))
    never = ~better.any(axis=1)
    end = np.minimum(np.maximum(likely, start + width), accuracy[last])
    begin = np.minimum(start, end - 1e-6)
    slope = (grid.value_at(end) - grid.value_at(begin)) / (end - begin)
    # Without an improvement on the grid, `start` is extrapolated beyond its end.
    missing = np.maximum(best - grid.value[:, -1], 0.0) / np.maximum(slope, 1e-12)
    start = np.where(never, accuracy[last] + missing, start)
    # A candidate whose rules do not hold for sure is no improvement yet, however good it is.
    late = ~never & (grid.sure > start)
    jump = np.where(late, np.maximum(grid.value_at(grid.sure) - best, 0.0), jump)
    start = np.where(late, grid.sure, start)
    return start, np.where(never, 0.0, jump), np.maximum(slope, 1e-12)


def _log_expected_excess(gap: Floats) -> Floats:
    """Return log(phi(u) + u Phi(u)); far in the tail this is about log(phi(u) / u^2)."""
    density = np.exp(-0.5 * gap * gap) / math.sqrt(2 * math.pi)
    direct = density + gap * np.exp(log_ndtr(gap))
    tail = -0.5 * gap * gap - 0.5 * math.log(2 * math.pi) - 2 * np.log(np.maximum(-gap, 1.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(gap > -5, np.log(np.maximum(direct, 1e-300)), tail))
