"""Trainings of the finals' length, which show during the search how much these gain over its own.

The floor of a rule must hold in the finals, which usually train longer than the search: judged by
the search's trainings alone, candidates would be refused that hold in the end.
"""

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import Problem
from gensynth.generators.synthesis.candidates import SampledCandidate, candidate_of

USUAL_GAIN, USUAL_TRAININGS = 0.8, 0.5
"""Points that twice the length usually gains (0 to 1.1 after 40 epochs, 2 to 4 after 12), and the
number of trainings that this counts for."""


class LongerTrainings:
    """The candidates that were trained as long as in the finals."""

    def __init__(self, problem: Problem) -> None:
        """Start without any."""
        self._problem = problem
        self.candidates: list[SampledCandidate] = []
        self._top1s: list[float] = []

    def add(self, outcome: Outcome) -> None:
        """Add a training if it was completed."""
        if outcome.ending == "completed" and outcome.top1 is not None:
            found = candidate_of(self._problem, outcome.decisions, outcome.seed)
            self.candidates.append(found)
            self._top1s.append(outcome.top1)

    def gain(self, expected: NDArray[float64]) -> float:
        """Return the points that the finals' length is expected to gain, 0 or more.

        This is the mean excess over what is `expected` of the same networks at the search's length,
        in percent, shrunk towards `USUAL_GAIN`.
        """
        gains = np.array(self._top1s) - expected
        total = float(gains.sum()) + USUAL_GAIN * USUAL_TRAININGS
        return max(total / (len(gains) + USUAL_TRAININGS), 0.0)
