"""The encoding of candidates as numbers: rows of an embedding table, and standardised features.

Every decision has one row for each option and one row that means "not reached". Decisions with the
same options form a group: what an option means is learned once for the group (a 3x3 convolution is
the same wherever it stands), and how much a decision matters is learned for each decision.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy import float64, int64
from numpy.typing import NDArray

from gensynth.generators.problem import are_numbers
from gensynth.generators.synthesis.candidates import SampledCandidate
from gensynth.genome import Decision, Decisions

Floats = NDArray[float64]


@dataclass(frozen=True)
class Inputs:
    """Encoded candidates."""

    rows: NDArray[int64]
    """Row of the embedding table for each decision, (n, decisions)."""
    features: Floats
    """Standardised numbers known before training, (n, features)."""
    earlier: Floats
    """Accuracy that each earlier campaign predicts, (n, campaigns), as it was measured there."""

    @classmethod
    def of(cls, rows: NDArray[int64], features: Floats) -> "Inputs":
        """Return candidates of which no earlier campaign knows anything."""
        return cls(rows, features, np.zeros((len(rows), 0)))

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.rows)

    def joined(self, other: "Inputs") -> "Inputs":
        """Return these candidates followed by those of `other`."""
        return Inputs(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.features, other.features]),
            np.concatenate([self.earlier, other.earlier]),
        )


@dataclass(frozen=True)
class Dataset:
    """Encoded candidates with the value that was observed for each."""

    inputs: Inputs
    targets: Floats
    """Standardised observations, (n,)."""
    noise: Floats
    """Known variance of each target in standardised units, (n,); the noise that the Gaussian
    process learns is added to it."""

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.targets)

    def joined(self, inputs: Inputs, targets: Floats) -> "Dataset":
        """Return the data set with candidates appended whose targets are exact."""
        return Dataset(
            self.inputs.joined(inputs),
            np.concatenate([self.targets, targets]),
            np.concatenate([self.noise, np.zeros(len(targets))]),
        )


DIMENSIONS = 4
"""Coordinates of an option's embedding."""
REMEMBERED = 16_384
"""Candidates whose encoding is kept: the pool is encoded again for every proposal."""

OptionList = tuple[Decision, ...]


@dataclass(frozen=True)
class Encoding:
    """The decisions known so far with their options, in the order in which they were met."""

    options: Mapping[str, OptionList]

    def extended(self, met: Mapping[str, Sequence[Decision]]) -> "Encoding":
        """Return an encoding that knows the options `met` too; this one if none is new."""
        news: dict[str, OptionList] = {}
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
    def groups(self) -> tuple[OptionList, ...]:
        """The distinct option lists."""
        return tuple(dict.fromkeys(self.options.values()))

    @cached_property
    def group_of(self) -> NDArray[int64]:
        """Index of the group of each decision, (decisions,)."""
        return np.array([self.groups.index(o) for o in self.options.values()], dtype=int64)

    @cached_property
    def name_of_row(self) -> NDArray[int64]:
        """Index of the decision that each row belongs to, (rows,)."""
        sizes = [len(options) + 1 for options in self.options.values()]
        return np.repeat(np.arange(len(sizes)), sizes)

    @cached_property
    def shared_row(self) -> NDArray[int64]:
        """Row of the groups' table that each row shares, (rows,); -1 for "not reached"."""
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
        """Return the row of every answer, (len(many), decisions)."""
        table = np.empty((len(many), len(self.names)), dtype=int64)
        for index, decisions in enumerate(many):
            table[index] = [
                positions[decisions[name]] if name in decisions else unreached
                for (name, positions), unreached in zip(
                    self._positions.items(), self._unreached, strict=True
                )
            ]
        return table

    def initial_embeddings(self) -> Floats:
        """Return the embeddings of the options of all groups before learning, (shared rows, 4).

        Numbers lie on a line in their order; other options are equally far from each other.
        """
        parts = [_initial_embeddings(group) for group in self.groups]
        return np.concatenate(parts or [np.zeros((0, DIMENSIONS))])


class Forecast(Protocol):
    """What an earlier campaign predicts of candidates."""

    @property
    def spread(self) -> float:
        """Standard deviation of the accuracies that were measured there."""
        ...

    def extend(self, candidates: Iterable[SampledCandidate], /) -> bool:
        """Meet candidates before any is predicted: a new option changes all predictions."""
        ...

    def forecast(self, candidates: Sequence[SampledCandidate], /) -> Floats:
        """Return the predicted accuracy of each candidate, in the unit of that campaign."""
        ...


class CandidateEncoder:
    """Encodes candidates, whose decisions it meets one after the other.

    Features are standardised by the first batch of at least three candidates that is encoded.
    """

    def __init__(
        self,
        ignored: Collection[str] = (),
        standardised: bool = False,
        forecasts: Sequence[Forecast] = (),
    ) -> None:
        """Make an encoder that has met no decision.

        Args:
            ignored: Decisions that are not encoded because the features hold the same information.
            standardised: Whether the features already have a mean near 0 and a deviation near 1.
            forecasts: What earlier campaigns predict.
        """
        self._forecasts = forecasts
        self._ignored = frozenset(ignored)
        self.encoding = Encoding({})
        self.features = 0
        """Number of features of a candidate."""
        self._scale = (np.zeros(1), np.ones(1)) if standardised else None
        self._met: set[str] = set()
        self._encoded: dict[str, tuple[NDArray[int64], Floats, Floats]] = {}

    @property
    def spreads(self) -> Floats:
        """Standard deviation of the accuracies of each earlier campaign, (campaigns,)."""
        return np.array([forecast.spread for forecast in self._forecasts], dtype=float64)

    def extend(self, candidates: Iterable[SampledCandidate]) -> bool:
        """Learn the decisions and options of candidates; return whether any of them was new.

        If so, `encoding` is another object, and models over the former one are of no use.
        """
        encoding = self.encoding
        new = [c for c in candidates if c.foresight.genome_id not in self._met]
        for candidate in new:
            self._met.add(candidate.foresight.genome_id)
            options = candidate.trace.options
            kept = {name: o for name, o in options.items() if name not in self._ignored}
            encoding = encoding.extended(kept)
            self.features = len(candidate.foresight.features)
        changed = [forecast.extend(new) for forecast in self._forecasts if new]
        if encoding is self.encoding and not any(changed):
            return False
        self.encoding = encoding
        self._encoded.clear()
        return True

    def encode(self, candidates: Sequence[SampledCandidate]) -> Inputs:
        """Encode candidates whose decisions are known by `extend`."""
        self._encode_new(candidates)
        found = [self._encoded[candidate.foresight.genome_id] for candidate in candidates]
        rows = np.array([row for row, _, _ in found], dtype=int64)
        features = np.array([known for _, known, _ in found], dtype=float64)
        earlier = np.array([predicted for _, _, predicted in found], dtype=float64)
        features = features.reshape(len(candidates), self.features)
        if self._scale is None and len(candidates) > 2:
            self._scale = features.mean(axis=0), features.std(axis=0) + 1e-9
        center, width = self._scale or (0.0, 1.0)
        shape = len(candidates), len(self.encoding.names)
        earlier = earlier.reshape(len(candidates), len(self._forecasts))
        return Inputs(rows.reshape(shape), (features - center) / width, earlier)

    def _encode_new(self, candidates: Sequence[SampledCandidate]) -> None:
        if len(self._encoded) > REMEMBERED:
            self._encoded.clear()
        new = [c for c in candidates if c.foresight.genome_id not in self._encoded]
        rows = self.encoding.rows([candidate.decisions for candidate in new])
        predicted = np.zeros((len(new), len(self._forecasts)))
        for index, forecast in enumerate(self._forecasts if new else ()):
            predicted[:, index] = forecast.forecast(new)
        for candidate, row, expected in zip(new, rows, predicted, strict=True):
            known = np.array(list(candidate.foresight.features.values()), dtype=float64)
            self._encoded[candidate.foresight.genome_id] = row, known, expected


def _ordered(options: OptionList) -> OptionList:
    """Return options in one order wherever they are offered: numbers by size, words by name."""
    return tuple(sorted(options) if are_numbers(options) else sorted(options, key=repr))  # type: ignore[type-var]


def _initial_embeddings(options: OptionList) -> Floats:
    count = len(options)
    if are_numbers(options) and count > 2:
        line = np.zeros((count, DIMENSIONS))
        line[:, 0] = np.linspace(-1.0, 1.0, count)
        return line
    rng = np.random.default_rng(count)
    corners = np.eye(count) - 1 / count  # a regular simplex, if it fits into the dimensions
    turned = np.linalg.svd(corners)[0][:, : min(count - 1, DIMENSIONS)]
    placed = np.zeros((count, DIMENSIONS))
    placed[:, : turned.shape[1]] = turned
    lengths = np.linalg.norm(placed, axis=1, keepdims=True)
    scattered = placed + (0.1 * rng.normal(size=placed.shape) if count > DIMENSIONS + 1 else 0.0)
    return np.asarray(scattered / np.maximum(lengths, 1e-9))
