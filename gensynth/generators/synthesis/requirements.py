"""Requirements r: limits on costs, over which an improvement is averaged to find a whole front.

Costs are exact and one objective is noisy, so the improvement of the front's hypervolume becomes
the expected improvement averaged over requirements:

    alpha(x) = E_r [ 1(c(x) <= r) * EI(value(x); A*(r)) ],  A*(r) the best value found within r.

Without costs there is one requirement, that any network keeps: alpha is the expected improvement
over the best value.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy import bool_, float64
from numpy.typing import NDArray

Floats = NDArray[float64]
REQUIREMENTS = 128
"""Requirements that stand for their distribution."""

USUAL = (0.05, 0.95)
"""Quantiles of the costs of all networks considered, between which limits are drawn: nobody asks
for the few networks that are smaller or larger still."""


@dataclass(frozen=True)
class Levels:
    """Requirements, grouped by what was found within them.

    Requirements within which the same best value was found lead to the same expected improvement,
    so that it is computed once for each level, of which there are as many as members of the front.
    """

    best: Floats
    """A*(r), (levels,)."""
    median: Floats
    """Mean over the level's requirements of the median value found within them, (levels,)."""
    log_share: Floats
    """Logarithm of the share of all requirements that a candidate keeps and that are of the level,
    (levels, candidates); minus infinity if it keeps none."""


def levels(found: Floats, values: Floats, asked: Floats, least: float) -> Levels:
    """Return the levels of requirements.

    Args:
        found: costs of the networks found, (m, costs), all above 0.
        values: their values, (m,).
        asked: costs of the candidates, (n, costs).
        least: value that counts as found where nothing is.
    """
    limits = requirements(np.concatenate([found, asked]))
    keeps = within(found, limits)
    bests = np.where(keeps, values, -np.inf).max(axis=1, initial=-np.inf)
    bests = np.where(np.isfinite(bests), bests, least)
    medians = np.array([np.median(values[some]) if some.any() else least for some in keeps])
    best, level = np.unique(bests, return_inverse=True)
    member = level[None, :] == np.arange(len(best))[:, None]
    with np.errstate(divide="ignore"):
        share = np.log(member.astype(float) @ within(asked, limits) / len(limits))
    median = np.array([medians[some].mean() for some in member])
    return Levels(best, np.minimum(median, best), share)


def requirements(costs: Floats, between: tuple[float, float] = USUAL) -> Floats:
    """Return limits, (requirements, costs), log-uniform between two quantiles of the costs.

    They are a low-discrepancy sequence, so that no randomness enters.
    """
    count = costs.shape[1]
    if not count:
        return np.zeros((1, 0))
    from scipy.stats import qmc  # Takes half a second; only campaigns with a front need it.

    logs = np.log(np.maximum(costs, 1.0))
    low, high = np.quantile(logs, between, axis=0)
    # The first point of a Sobol sequence is the corner that nothing but the cheapest network keeps.
    places = qmc.Sobol(count, scramble=False).random(2 * REQUIREMENTS)[1 : REQUIREMENTS + 1]
    return np.asarray(np.exp(low + places * (high - low)) * (1 + 1e-9))


def any_limit(costs: Floats) -> Floats:
    """Return requirements over the whole range of the costs, and one without any limit."""
    free = np.full((1, costs.shape[1]), np.inf)
    return np.concatenate([requirements(costs, (0.0, 1.0)), free])


def within(costs: Floats, limits: Floats) -> NDArray[bool_]:
    """Return whether each network keeps each requirement, (requirements, networks)."""
    return np.asarray((costs[None] <= limits[:, None]).all(axis=2))


def front(costs: Floats, values: Floats) -> list[int]:
    """Return the networks that no other one equals in value at no higher costs, the best first.

    Of equal networks, the first one is kept.
    """
    kept: list[int] = []
    # The best first, and of equal values the cheaper first: nothing beats what comes before it.
    for index in np.lexsort((np.arange(len(values)), *costs.T, -values)):
        if not any((costs[other] <= costs[index]).all() for other in kept):
            kept.append(int(index))
    return kept


def spread(costs: Floats, values: Floats, count: int) -> list[int]:
    """Return up to `count` networks that are the best for most requirements, in order of choice.

    Each network chosen raises the mean over requirements of the best value within them the most:
    the greedy maximum of a submodular function is at least 63 % of the greatest (Nemhauser et al.,
    1978).
    """
    if not len(values):
        return []
    keeps = within(costs, any_limit(costs))
    least = float(values.min()) - 1.0
    gains = np.where(keeps, values, least)
    held = np.full(len(gains), least)
    chosen: list[int] = []
    for _ in range(min(count, len(values))):
        risen = np.maximum(gains, held[:, None]).mean(axis=0) - held.mean()
        best = int(np.argmax(np.round(risen, 9)))
        if risen[best] <= 1e-9:
            break
        chosen.append(best)
        held = np.maximum(held, gains[:, best])
    return chosen


def last_improvement(costs: Floats, values: Sequence[float]) -> int:
    """Return the last network that improved the front when it was found; 0 if there is none."""
    numbers = np.array(values)
    for index in range(len(numbers) - 1, 0, -1):
        if not np.isfinite(numbers[index]):
            continue
        cheaper = (costs[:index] <= costs[index]).all(axis=1)
        if not (numbers[:index][cheaper] >= numbers[index]).any():
            return index
    return 0
