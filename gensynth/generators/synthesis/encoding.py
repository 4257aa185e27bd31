"""Decisions as rows of a table of embeddings: what a surrogate can compute with.

Every decision has one row per option and one more for "not reached". Decisions with the same
options form a group: what an option means is learned once for the group (a 3x3 convolution is
one wherever it stands), and how much a decision matters is learned for each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy import float64, int64
from numpy.typing import NDArray

from gensynth.genome import Decision, Decisions

DIMENSIONS = 4
"""Coordinates of an option's embedding."""

Options = tuple[Decision, ...]


@dataclass(frozen=True)
class Encoding:
    """The decisions known so far, in the order they were met, and their options."""

    options: Mapping[str, Options]

    def extended(self, met: Mapping[str, Sequence[Decision]]) -> "Encoding":
        """Know the names and options that were `met` too; itself where nothing is new."""
        news: dict[str, Options] = {}
        for name, options in met.items():
            known = self.options.get(name, ())
            if any(option not in known for option in options):
                new = (*known, *(option for option in options if option not in known))
                news[name] = _ordered(new)
        return Encoding({**self.options, **news}) if news else self

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The decisions, in the order of the columns of `rows`."""
        return tuple(self.options)

    @cached_property
    def groups(self) -> tuple[Options, ...]:
        """The different lists of options."""
        return tuple(dict.fromkeys(self.options.values()))

    @cached_property
    def group_of(self) -> NDArray[int64]:
        """Number of the group of each decision, shape (decisions,)."""
        return np.array([self.groups.index(o) for o in self.options.values()], dtype=int64)

    @cached_property
    def name_of_row(self) -> NDArray[int64]:
        """Number of the decision that each row belongs to, shape (rows,)."""
        sizes = [len(options) + 1 for options in self.options.values()]
        return np.repeat(np.arange(len(sizes)), sizes)

    @cached_property
    def shared_row(self) -> NDArray[int64]:
        """The row of the groups' table that each row shares, shape (rows,); -1 = not reached."""
        starts = np.cumsum([0, *(len(group) for group in self.groups)])
        shared: list[int] = []
        for group, options in zip(self.group_of, self.options.values(), strict=True):
            shared += [-1, *(int(starts[group]) + k for k in range(len(options)))]
        return np.array(shared, dtype=int64)

    @cached_property
    def _positions(self) -> dict[str, dict[Decision, int]]:
        found, start = {}, 0
        for name, options in self.options.items():
            found[name] = {option: start + 1 + k for k, option in enumerate(options)}
            start += len(options) + 1
        return found

    @cached_property
    def _unreached(self) -> list[int]:
        sizes = [len(options) + 1 for options in self.options.values()]
        return [0, *np.cumsum(sizes)[:-1].tolist()] if sizes else []

    def rows(self, many: Sequence[Decisions]) -> NDArray[int64]:
        """Give the row of every answer, shape (len(many), decisions)."""
        table = np.empty((len(many), len(self.names)), dtype=int64)
        for index, decisions in enumerate(many):
            table[index] = [
                positions[decisions[name]] if name in decisions else unreached
                for (name, positions), unreached in zip(
                    self._positions.items(), self._unreached, strict=True
                )
            ]
        return table

    def start(self) -> NDArray[float64]:
        """Place the options of every group before anything is learned, (shared rows, 4).

        Numbers lie on a line in their order; other options are equally far from each other.
        """
        return np.concatenate([_placed(group) for group in self.groups] or [np.zeros((0, 4))])


def _ordered(options: Options) -> Options:
    """Bring options into one order wherever they are offered: numbers by size, words by name."""
    return tuple(sorted(options) if numeric(options) else sorted(options, key=repr))  # type: ignore[type-var]


def numeric(options: Sequence[Decision]) -> bool:
    """Say whether all options are numbers, which have an order."""
    return all(isinstance(o, (int, float)) and not isinstance(o, bool) for o in options)


def _placed(options: Options) -> NDArray[float64]:
    count = len(options)
    if numeric(options) and count > 2:
        line = np.zeros((count, DIMENSIONS))
        line[:, 0] = np.linspace(-1.0, 1.0, count)
        return line
    rng = np.random.default_rng(count)
    corners = np.eye(count) - 1 / count  # a regular simplex, where it fits into the dimensions
    turned = np.linalg.svd(corners)[0][:, : min(count - 1, DIMENSIONS)]
    placed = np.zeros((count, DIMENSIONS))
    placed[:, : turned.shape[1]] = turned
    lengths = np.linalg.norm(placed, axis=1, keepdims=True)
    scattered = placed + (0.1 * rng.normal(size=placed.shape) if count > DIMENSIONS + 1 else 0.0)
    return np.asarray(scattered / np.maximum(lengths, 1e-9))
