"""A Gaussian process over decisions, with embeddings of options learned by maximum posterior.

The kernel is a Matern-5/2 of the distance between two candidates plus a linear one. A candidate
lies at the concatenation, over its decisions, of `exp(scale) (shared + own)` embeddings of the
answer (a decision that was not reached lies at its own place), then for each group of like
decisions the sum of the shared embeddings (how often an option was taken, wherever), then the
numbers that are known before training, weighted. Training data are a few hundred candidates at
most, so that everything is exact.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy import float64, int64
from numpy.typing import NDArray
from scipy.linalg import cho_solve
from scipy.optimize import minimize

from gensynth.generators.synthesis.encoding import DIMENSIONS, Encoding
from gensynth.generators.synthesis.kernel import kernel, kernel_parts
from gensynth.generators.synthesis.lesson import Inputs, Lesson

Floats = NDArray[float64]

_LOUDEST = 25.0
"""Logarithm of a deviation beyond which nothing is computed any more."""
_NOWHERE = 1e10
"""The loss where there is none: a search turns back from it."""


@dataclass(frozen=True)
class Parameters:
    """Everything the kernel learns; the same type holds values, gradients and priors."""

    shared: Floats
    """Embeddings of the groups' options, (shared rows, DIMENSIONS)."""
    own: Floats
    """What each decision adds to them, (rows, DIMENSIONS)."""
    scale: Floats
    """Logarithm of how much each decision matters, (decisions,)."""
    bag: Floats
    """The same for the sums over each group, (groups,)."""
    weight: Floats
    """Of the known numbers, (features,)."""
    amplitude: Floats
    """Logarithms of the deviations of the Matern part, the linear part and the noise, (3,)."""

    def pack(self) -> Floats:
        """Write all parameters one after the other."""
        return np.concatenate([getattr(self, name).ravel() for name in self.__dataclass_fields__])

    def unpack(self, numbers: Floats) -> "Parameters":
        """Read parameters of the same shapes back."""
        parts, at = {}, 0
        for name in self.__dataclass_fields__:
            shape = getattr(self, name).shape
            size = math.prod(shape)
            parts[name] = numbers[at : at + size].reshape(shape)
            at += size
        return Parameters(**parts)


@dataclass(frozen=True)
class Prior:
    """Means and deviations of the parameters' normal priors, for any encoding."""

    shared: float = 0.2
    own: float = 0.05
    scale: tuple[float, float] = (-0.3, 0.7)
    bag: tuple[float, float] = (0.0, 1.0)
    weight: tuple[float, float] = (0.3, 0.5)
    amplitude: tuple[tuple[float, float], ...] = ((0.0, 0.7), (0.0, 0.7), (-2.5, 1.0))

    def mean(self, encoding: Encoding, features: int) -> Parameters:
        """Give the parameters before anything is learned."""
        # Distances grow with the number of decisions; six is where the priors were chosen.
        crowd = 0.5 * math.log(6 / max(len(encoding.names), 1))
        return Parameters(
            shared=encoding.start(),
            own=np.zeros((len(encoding.name_of_row), DIMENSIONS)),
            scale=np.full(len(encoding.names), self.scale[0] + crowd),
            bag=np.full(len(encoding.groups), self.bag[0] + crowd),
            weight=np.full(features, self.weight[0]),
            amplitude=np.array([mean for mean, _ in self.amplitude]),
        )

    def deviation(self, like: Parameters) -> Parameters:
        """Give the deviations, in the shapes of `like`."""
        return Parameters(
            shared=np.full_like(like.shared, self.shared),
            own=np.full_like(like.own, self.own),
            scale=np.full_like(like.scale, self.scale[1]),
            bag=np.full_like(like.bag, self.bag[1]),
            weight=np.full_like(like.weight, self.weight[1]),
            amplitude=np.array([deviation for _, deviation in self.amplitude]),
        )


@dataclass(frozen=True)
class Surrogate:
    """A kernel over one encoding, with its parameters."""

    encoding: Encoding
    mean: Parameters
    deviation: Parameters
    parameters: Parameters
    _shared_row: NDArray[int64] = field(repr=False)
    _membership: Floats = field(repr=False)
    _solved: list["Solved"] = field(default_factory=list, init=False, repr=False, compare=False)
    """Of the last lessons; the same one is asked about several times for a proposal."""

    @classmethod
    def make(cls, encoding: Encoding, features: int, prior: Prior | None = None) -> "Surrogate":
        """Begin with the prior's means."""
        prior = prior or Prior()
        mean = prior.mean(encoding, features)
        member = (encoding.group_of[:, None] == np.arange(len(encoding.groups))).astype(float64)
        member[:, member.sum(axis=0) < 2] = 0.0  # a sum over one decision says nothing new
        return cls(encoding, mean, prior.deviation(mean), mean, encoding.shared_row, member)

    def drawn(self, rng: np.random.Generator) -> "Surrogate":
        """Begin anew at a draw from the prior, which becomes the mean of the prior."""
        mean, deviation = self.mean.pack(), self.deviation.pack()
        found = self.mean.unpack(mean + deviation * rng.normal(size=len(mean)))
        return replace(self, mean=found, parameters=found)

    def positions(self, inputs: Inputs, parameters: Parameters) -> Floats:
        """Place candidates, (n, decisions * DIMENSIONS + groups * DIMENSIONS + features)."""
        shared = self._shared(parameters)
        scale = np.exp(parameters.scale)[self.encoding.name_of_row]
        table = scale[:, None] * (shared + parameters.own)
        count = len(inputs)
        bags = self._membership.T @ shared[inputs.rows]
        bags = bags * np.exp(parameters.bag)[None, :, None]
        parts = [table[inputs.rows].reshape(count, -1), bags.reshape(count, -1)]
        return np.concatenate([*parts, inputs.features * parameters.weight], axis=1)

    def _shared(self, parameters: Parameters) -> Floats:
        """Spread the groups' embeddings over all rows; zero where a decision is not reached."""
        padded = np.concatenate([parameters.shared, np.zeros((1, DIMENSIONS))])
        return np.asarray(padded[self._shared_row])

    def fitted(self, lesson: Lesson, steps: int) -> "Surrogate":
        """Climb from the present parameters to a maximum of their posterior density."""
        found = minimize(
            self._loss,
            self.parameters.pack(),
            args=(lesson,),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": steps},
        )
        return replace(self, parameters=self.parameters.unpack(found.x))

    def loss(self, lesson: Lesson) -> float:
        """Give minus the logarithm of the posterior density, up to a constant."""
        return self._loss(self.parameters.pack(), lesson)[0]

    def _loss(self, numbers: Floats, lesson: Lesson) -> tuple[float, Floats]:
        inputs, targets = lesson.inputs, lesson.targets
        parameters = self.parameters.unpack(numbers)
        if not np.all(parameters.amplitude < _LOUDEST):  # A step of the search went far astray.
            return _NOWHERE, np.zeros_like(numbers)
        place = self.positions(inputs, parameters)
        matern, slope, linear = kernel_parts(place, place, parameters.amplitude)
        spread = math.exp(2 * parameters.amplitude[2])
        try:
            lower = np.linalg.cholesky(matern + linear + _diagonal(lesson.noise, spread))
        except np.linalg.LinAlgError:
            return _NOWHERE, np.zeros_like(numbers)
        inverse = cho_solve((lower, True), np.eye(len(targets)))
        dual = inverse @ targets
        away = (numbers - self.mean.pack()) / self.deviation.pack()
        value = 0.5 * targets @ dual + np.log(np.diag(lower)).sum() + 0.5 * away @ away
        push = 0.5 * (inverse - np.outer(dual, dual))  # derivative by the kernel matrix
        pull = push * slope
        by_place = 4 * (pull.sum(axis=1)[:, None] * place - pull @ place)
        by_place += 2 * math.exp(2 * parameters.amplitude[1]) * (push @ place)
        sums = [(push * matern).sum(), (push * linear).sum(), spread * np.trace(push)]
        gradient = self._chain(inputs, parameters, by_place, 2 * np.array(sums))
        return float(value), gradient.pack() + away / self.deviation.pack()

    def _chain(
        self, inputs: Inputs, parameters: Parameters, by_place: Floats, amplitude: Floats
    ) -> Parameters:
        """Carry the derivative by the positions on to the parameters."""
        encoding, count = self.encoding, len(inputs)
        decisions, groups = len(encoding.names), len(encoding.groups)
        ends = np.cumsum([decisions * DIMENSIONS, groups * DIMENSIONS])
        answers, bags, known = np.split(by_place, ends, axis=1)
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

    def left_out(self, lesson: Lesson) -> Floats:
        """Give what each candidate's prediction misses if its own target is left out, (n,)."""
        solved = self._solve(lesson)
        return np.asarray(solved.dual / np.diag(solved.inverse))

    def predict(self, lesson: Lesson, asked: Inputs) -> tuple[Floats, Floats]:
        """Give the mean and the deviation of the function (without noise) where it is `asked`."""
        parameters, solved = self.parameters, self._solve(lesson)
        query = self.positions(asked, parameters)
        cross = kernel(query, solved.place, parameters.amplitude)
        known = (cross @ solved.inverse * cross).sum(axis=1)
        first, second = np.exp(2 * parameters.amplitude[:2])
        own = first + second * ((query * query).sum(axis=1) + 1)
        return cross @ solved.dual, np.sqrt(np.maximum(own - known, 1e-10))

    def _solve(self, lesson: Lesson) -> "Solved":
        """Factorise the covariance of the targets, noise included, once for each lesson."""
        for solved in self._solved:
            if solved.lesson is lesson:
                return solved
        place = self.positions(lesson.inputs, self.parameters)
        spread = math.exp(2 * self.parameters.amplitude[2])
        covariance = kernel(place, place, self.parameters.amplitude)
        lower = np.linalg.cholesky(covariance + _diagonal(lesson.noise, spread))
        inverse = cho_solve((lower, True), np.eye(len(lesson)))
        self._solved[:] = [*self._solved[-1:], Solved(lesson, place, inverse)]
        return self._solved[-1]


@dataclass(frozen=True)
class Solved:
    """What a surrogate needs of a lesson for every prediction."""

    lesson: Lesson
    place: Floats
    """Of the candidates, (n, coordinates)."""
    inverse: Floats
    """Of the covariance of the targets, (n, n)."""

    @property
    def dual(self) -> Floats:
        """Give the weights of the candidates in a mean, (n,)."""
        return self.inverse @ self.lesson.targets


def _diagonal(noise: Floats, spread: float) -> Floats:
    return np.diag(noise + spread + 1e-6)


def _gather(rows: NDArray[int64], parts: Floats, size: int) -> Floats:
    """Add up (n, decisions, k) parts that fell on the same row, (size, k)."""
    flat = rows.ravel()
    columns = parts.reshape(len(flat), parts.shape[-1]).T
    return np.stack([np.bincount(flat, column, minlength=size) for column in columns], axis=1)
