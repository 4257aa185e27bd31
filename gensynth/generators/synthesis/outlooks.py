"""What drafts would be worth at supposed accuracies, asked of the problem once for each."""

from collections.abc import Sequence

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import Problem
from gensynth.generators.synthesis.draft import Draft
from gensynth.generators.synthesis.merit import Outlook, filled, grid_for, percentages

Floats = NDArray[float64]


class Outlooks:
    """Remembers them all; begins anew where the accuracies seen leave the supposed ones."""

    def __init__(self, problem: Problem) -> None:
        """Begin having asked nothing."""
        self.problem = problem
        self.decided: frozenset[str] = frozenset()
        """Names of the rules that the accuracy decides."""
        self._grid: Floats = np.zeros(0)
        self._percent = True
        self._known: dict[str, tuple[Floats, NDArray[np.bool_]]] = {}

    def of(self, drafts: Sequence[Draft], tried: Sequence[Outcome]) -> Outlook:
        """Give the outlook of drafts, at accuracies around those of the outcomes `tried`."""
        seen = np.array([outcome.top1 for outcome in tried if outcome.top1 is not None])
        percent = percentages(seen)
        known = percent if self._percent else _covers(self._grid, seen)
        if not len(self._grid) or percent != self._percent or not known:
            self._grid = grid_for(self.problem, drafts[0].foresight, seen)
            self._percent = percent
            self._known.clear()
        rows = [self._looked_up(draft) for draft in drafts]
        return Outlook(self._grid, np.array([v for v, _ in rows]), np.array([h for _, h in rows]))

    def _looked_up(self, draft: Draft) -> tuple[Floats, NDArray[np.bool_]]:
        name = draft.foresight.genome_id
        if name not in self._known:
            prospect = self.problem.prospect(draft.foresight, self._grid)
            self.decided |= frozenset(prospect.decided)
            self._known[name] = (filled(prospect.value), prospect.violation <= 0)
        return self._known[name]


def _covers(grid: Floats, seen: Floats) -> bool:
    return bool(len(grid) and grid[0] <= seen.min() and seen.max() <= grid[-1])
