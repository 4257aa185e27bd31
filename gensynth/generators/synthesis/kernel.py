"""The covariance of two candidates: a Matern-5/2 and a linear kernel over learned embeddings.

A candidate's position is the concatenation of three parts: for each decision, the embedding of its
answer, `exp(scale) (shared + own)` (an unreached decision has an embedding of its own); for each
group of decisions with the same options, the sum of the shared embeddings, weighted by `exp(bag)`
(how often an option was chosen, wherever it was); and the weighted features, which are known before
training. The embeddings and weights are `Parameters`, learned by the Gaussian process.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy import float64, int64
from numpy.typing import NDArray

from gensynth.generators.synthesis.encoding import DIMENSIONS, Encoding, Inputs

Floats = NDArray[float64]


@dataclass(frozen=True)
class Parameters:
    """Everything that a kernel learns; the same type holds values, gradients and priors."""

    shared: Floats
    """Embeddings of the options of each group, (shared rows, DIMENSIONS)."""
    own: Floats
    """What each decision adds to the shared embedding, (rows, DIMENSIONS)."""
    scale: Floats
    """Logarithm of the importance of each decision, (decisions,)."""
    bag: Floats
    """Logarithm of the importance of the sum over each group, (groups,)."""
    weight: Floats
    """Weights of the features, (features,)."""
    amplitude: Floats
    """Logarithms of the standard deviations of the Matern part, the linear part and the noise,
    (3,)."""

    def pack(self) -> Floats:
        """Return all parameters as one vector."""
        return np.concatenate([getattr(self, name).ravel() for name in self.__dataclass_fields__])

    def unpack(self, numbers: Floats) -> "Parameters":
        """Return the parameters that `pack` turns into `numbers`, in the shapes of these."""
        parts, at = {}, 0
        for name in self.__dataclass_fields__:
            shape = getattr(self, name).shape
            size = math.prod(shape)
            parts[name] = numbers[at : at + size].reshape(shape)
            at += size
        return Parameters(**parts)


@dataclass(frozen=True)
class Embedding:
    """Maps encoded candidates to their positions, and gradients back to the parameters."""

    encoding: Encoding
    _shared_row: NDArray[int64] = field(repr=False)
    _membership: Floats = field(repr=False)
    """1 where a row's decision belongs to a group, (decisions, groups)."""

    @classmethod
    def of(cls, encoding: Encoding) -> "Embedding":
        """Return the embedding of an encoding."""
        member = (encoding.group_of[:, None] == np.arange(len(encoding.groups))).astype(float64)
        # The sum over a group of one decision repeats that decision's embedding.
        member[:, member.sum(axis=0) < 2] = 0.0
        return cls(encoding, encoding.shared_row, member)

    def positions(self, inputs: Inputs, parameters: Parameters) -> Floats:
        """Return positions, (n, decisions * DIMENSIONS + groups * DIMENSIONS + features)."""
        shared = self._shared(parameters)
        scale = np.exp(parameters.scale)[self.encoding.name_of_row]
        table = scale[:, None] * (shared + parameters.own)
        bags = self._membership.T @ shared[inputs.rows]
        bags = bags * np.exp(parameters.bag)[None, :, None]
        parts = [
            part.reshape(len(inputs), math.prod(part.shape[1:]))
            for part in (table[inputs.rows], bags)
        ]
        return np.concatenate([*parts, inputs.features * parameters.weight], axis=1)

    def gradient(
        self, inputs: Inputs, parameters: Parameters, by_position: Floats, amplitude: Floats
    ) -> Parameters:
        """Return a gradient with respect to the parameters by the chain rule.

        `by_position` is the gradient with respect to the positions, in their shape; `amplitude` is
        the gradient with respect to the amplitudes, (3,).
        """
        encoding, count = self.encoding, len(inputs)
        decisions, groups = len(encoding.names), len(encoding.groups)
        ends = np.cumsum([decisions * DIMENSIONS, groups * DIMENSIONS])
        answers, bags, known = np.split(by_position, ends, axis=1)
        shared = self._shared(parameters)
        scale = np.exp(parameters.scale)[encoding.name_of_row]
        by_table = _gather(inputs.rows, answers.reshape(count, decisions, DIMENSIONS), len(shared))
        by_own = by_table * scale[:, None]
        by_row = (by_own * (shared + parameters.own)).sum(axis=1)
        weights = np.exp(parameters.bag)[None, :, None]
        by_bag = bags.reshape(count, groups, DIMENSIONS) * weights
        counted = self._membership.T @ shared[inputs.rows]
        spread = self._membership @ by_bag
        by_shared = by_own + _gather(inputs.rows, spread, len(shared))
        size = len(parameters.shared) + 1
        slots = np.where(self._shared_row < 0, size - 1, self._shared_row)
        return Parameters(
            shared=_gather(slots[:, None], by_shared[:, None], size)[:-1],
            own=by_own,
            scale=np.bincount(encoding.name_of_row, by_row, minlength=decisions).astype(float64),
            bag=(by_bag * counted).sum(axis=(0, 2)),
            weight=(known * inputs.features).sum(axis=0),
            amplitude=amplitude,
        )

    def _shared(self, parameters: Parameters) -> Floats:
        """Return the shared embedding of every row; zero for a decision that is not reached."""
        padded = np.concatenate([parameters.shared, np.zeros((1, DIMENSIONS))])
        return np.asarray(padded[self._shared_row])


def covariance_parts(
    one: Floats, other: Floats, amplitude: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the Matern part, its derivative by the squared distance, and the linear part.

    With d the distance of two positions, r = sqrt(5) d and a, b the first two amplitudes, the
    Matern-5/2 part is `exp(2a) (1 + r + r^2/3) exp(-r)` and the linear part is
    `exp(2b) (x . y + 1)` (Rasmussen and Williams, *Gaussian Processes for Machine Learning*,
    eq. 4.17). Positions are (n, coordinates) and (m, coordinates), results (n, m).
    """
    product = one @ other.T
    squares = (one * one).sum(axis=1)[:, None] + (other * other).sum(axis=1)[None]
    ray = np.sqrt(5 * np.maximum(squares - 2 * product, 0.0))
    fade = math.exp(2 * amplitude[0]) * np.exp(-ray)
    linear = math.exp(2 * amplitude[1]) * (product + 1)
    return (1 + ray + ray * ray / 3) * fade, (-5 / 6) * (1 + ray) * fade, linear


def covariance(one: Floats, other: Floats, amplitude: Floats) -> Floats:
    """Return the sum of the Matern and the linear part of `covariance_parts`, (n, m).

    It computes in place: for thousands of candidates, passes over memory are what costs time.
    """
    product = one @ other.T
    ray = product * -2.0
    ray += (one * one).sum(axis=1)[:, None]
    ray += (other * other).sum(axis=1)
    np.maximum(ray, 0.0, out=ray)
    ray *= 5.0
    np.sqrt(ray, out=ray)
    matern = ray * (1 / 3)
    matern += 1.0
    matern *= ray
    matern += 1.0
    np.negative(ray, out=ray)
    matern *= np.exp(ray, out=ray)
    matern *= math.exp(2 * amplitude[0])
    product += 1.0
    product *= math.exp(2 * amplitude[1])
    product += matern
    return np.asarray(product)


def variance(positions: Floats, amplitude: Floats) -> Floats:
    """Return the covariance of each position with itself, (n,)."""
    first, second = np.exp(2 * amplitude[:2])
    return np.asarray(first + second * ((positions * positions).sum(axis=1) + 1))


def _gather(rows: NDArray[int64], parts: Floats, size: int) -> Floats:
    """Sum the parts, (n, decisions, k), that belong to the same row; return (size, k)."""
    flat = rows.ravel()
    columns = parts.reshape(len(flat), parts.shape[-1]).T
    return np.stack([np.bincount(flat, column, minlength=size) for column in columns], axis=1)
