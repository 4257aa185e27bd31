"""The parameters of an Optuna study as the problem of a generator.

For the generator, a number is spelled in digits (`NAME:LEVEL`); the inquisitor sees the number
itself. A categorical parameter is one decision (`NAME=`). The objective, with its sign changed if
it is minimised, takes the place of the accuracy; it is also the pursued value.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy import float64
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from gensynth.generators.optuna_sampler.cells import Cells, spelled, spelling
from gensynth.generators.problem import Foresight, Prospect
from gensynth.genome import Decision, Decisions
from gensynth.space import Choose

Parameters = Mapping[str, Any]


class ParameterProblem:
    """A search space of Optuna, in which every trial has every parameter."""

    def __init__(self, space: Mapping[str, BaseDistribution]) -> None:
        """Take the distributions by name; raise `TypeError` for an unknown kind of them."""
        self.cells: dict[str, Cells] = {}
        self.labels: dict[str, tuple[Decision, ...]] = {}
        self.choices: dict[str, Sequence[Any]] = {}
        for name, distribution in sorted(space.items()):
            if isinstance(distribution, CategoricalDistribution):
                self.choices[name] = distribution.choices
                self.labels[name] = _labels(distribution.choices)
            elif isinstance(distribution, (FloatDistribution, IntDistribution)):
                self.cells[name] = Cells(distribution)
            else:
                raise TypeError(f"{name}: unknown distribution {distribution}")

    @property
    def prototype(self) -> Decisions:
        """Empty: a study has no starting point."""
        return {}

    @property
    def enforced(self) -> Sequence[str]:
        """Empty: constraints become known with the trials that have them."""
        return ()

    @property
    def digits(self) -> frozenset[str]:
        """Names of the decisions that spell numbers, whose information the features hold."""
        return frozenset(
            name for key, cells in self.cells.items() for name in spelling(key, 0, cells.count)
        )

    def sample(self, choose: Choose, /) -> dict[str, Any]:
        """Ask for every parameter and return the values by name."""
        values: dict[str, Any] = {}
        for name, labels in self.labels.items():
            label = choose(f"{name}=", labels)
            values[name] = self.choices[name][labels.index(label)]
        for name, cells in self.cells.items():
            values[name] = cells.value(spelled(choose, name, cells.count))
        return values

    def decisions(self, values: Parameters) -> dict[str, Decision]:
        """Return the decisions that give these values, or the nearest ones on the grid."""
        found: dict[str, Decision] = {}
        for name, labels in self.labels.items():
            position = CategoricalDistribution(self.choices[name]).to_internal_repr(values[name])
            found[f"{name}="] = labels[int(position)]
        for name, cells in self.cells.items():
            found |= spelling(name, cells.cell(values[name]), cells.count)
        return found

    def foresee(self, decisions: Decisions) -> Foresight:
        """Return the numbers among the parameters as features of mean 0 and deviation 1."""
        values = self.sample(lambda name, _: decisions[name])  # type: ignore[arg-type]
        key = repr(values)
        places = {name: cells.place(values[name]) for name, cells in self.cells.items()}
        features = {name: math.sqrt(12) * (place - 0.5) for name, place in places.items()}
        return Foresight(genome_id=key, fingerprint=key, features=features)

    def prospect(self, foresight: Foresight, top1: NDArray[float64]) -> Prospect:
        """Return the supposed objectives: they are the pursued values."""
        return Prospect(top1, np.zeros(top1.shape))

    def probe(self, decisions: Decisions) -> dict[str, float]:
        """Return no reactions: there is no network to probe."""
        return {}


def _labels(choices: Sequence[Any]) -> tuple[Decision, ...]:
    """Return distinct numbers as they are, since they have an order, and other choices by name."""
    numbers = [c for c in choices if isinstance(c, (int, float)) and not isinstance(c, bool)]
    if len(set(numbers)) == len(choices) and all(map(math.isfinite, numbers)):
        return tuple(numbers)
    return tuple(f"{position} {choice!r}" for position, choice in enumerate(choices))
