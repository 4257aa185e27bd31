"""Gaussian processes over candidates, with kernel parameters of maximum posterior density.

There are a few hundred observations at most, so that inference is exact.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy import float64
from numpy.typing import NDArray
from scipy.linalg import cho_solve
from scipy.optimize import minimize

from gensynth.generators.synthesis.encoding import DIMENSIONS, Dataset, Encoding, Inputs
from gensynth.generators.synthesis.kernel import (
    Embedding,
    Parameters,
    covariance,
    covariance_parts,
    variance,
)

Floats = NDArray[float64]

_MAX_AMPLITUDE = 25.0
"""Logarithm of a standard deviation beyond which the covariance is not computed."""
_NO_DENSITY = 1e10
"""Loss of parameters without a posterior density: the optimiser turns back from them."""


@dataclass(frozen=True)
class Prior:
    """Means and standard deviations of the parameters' normal priors, for any encoding.

    Single numbers are standard deviations around a fixed mean; pairs are (mean, deviation).
    """

    shared: float = 0.2
    own: float = 0.05
    scale: tuple[float, float] = (-0.3, 0.7)
    bag: tuple[float, float] = (0.0, 1.0)
    weight: tuple[float, float] = (0.3, 0.5)
    amplitude: tuple[tuple[float, float], ...] = ((0.0, 0.7), (0.0, 0.7), (-2.5, 1.0))

    def mean(self, encoding: Encoding, features: int) -> Parameters:
        """Return the prior means for an encoding and a number of features."""
        # Distances grow with the number of decisions; the priors were chosen for six.
        crowd = 0.5 * math.log(6 / max(len(encoding.names), 1))
        return Parameters(
            shared=encoding.initial_embeddings(),
            own=np.zeros((len(encoding.name_of_row), DIMENSIONS)),
            scale=np.full(len(encoding.names), self.scale[0] + crowd),
            bag=np.full(len(encoding.groups), self.bag[0] + crowd),
            weight=np.full(features, self.weight[0]),
            amplitude=np.array([mean for mean, _ in self.amplitude]),
        )

    def deviation(self, like: Parameters) -> Parameters:
        """Return the prior standard deviations, in the shapes of `like`."""
        return Parameters(
            shared=np.full_like(like.shared, self.shared),
            own=np.full_like(like.own, self.own),
            scale=np.full_like(like.scale, self.scale[1]),
            bag=np.full_like(like.bag, self.bag[1]),
            weight=np.full_like(like.weight, self.weight[1]),
            amplitude=np.array([deviation for _, deviation in self.amplitude]),
        )


@dataclass(frozen=True)
class GaussianProcess:
    """A Gaussian process over one encoding, with its kernel parameters and their prior."""

    embedding: Embedding
    mean: Parameters
    """Prior means of the parameters."""
    deviation: Parameters
    """Prior standard deviations of the parameters."""
    parameters: Parameters

    @classmethod
    def make(
        cls, encoding: Encoding, features: int, prior: Prior | None = None
    ) -> "GaussianProcess":
        """Return a process whose parameters are the prior's means."""
        prior = prior or Prior()
        mean = prior.mean(encoding, features)
        return cls(Embedding.of(encoding), mean, prior.deviation(mean), mean)

    def drawn(self, rng: np.random.Generator) -> "GaussianProcess":
        """Return a process whose prior means are a draw from this process's prior."""
        mean, deviation = self.mean.pack(), self.deviation.pack()
        found = self.mean.unpack(mean + deviation * rng.normal(size=len(mean)))
        return replace(self, mean=found, parameters=found)

    def positions(self, inputs: Inputs) -> Floats:
        """Return the positions of candidates, between which the kernel measures distances."""
        return self.embedding.positions(inputs, self.parameters)

    def fitted(self, dataset: Dataset, steps: int) -> "GaussianProcess":
        """Return the process at a local maximum of the parameters' posterior density.

        L-BFGS-B starts at the present parameters and takes at most `steps` iterations.
        """
        found = minimize(
            self.loss_and_gradient,
            self.parameters.pack(),
            args=(dataset,),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": steps},
        )
        return replace(self, parameters=self.parameters.unpack(found.x))

    def loss(self, dataset: Dataset) -> float:
        """Return minus the logarithm of the posterior density of the parameters.

        Constants are left out.
        """
        return self.loss_and_gradient(self.parameters.pack(), dataset)[0]

    def loss_and_gradient(self, numbers: Floats, dataset: Dataset) -> tuple[float, Floats]:
        """Return the loss of packed parameters and its gradient, (parameters,).

        The loss is `y' K^-1 y / 2 + log det(K) / 2`, the negative log marginal likelihood
        (Rasmussen and Williams, eq. 5.8 and 5.9), plus the negative log prior.
        """
        inputs, targets = dataset.inputs, dataset.targets
        parameters = self.parameters.unpack(numbers)
        # A line search may step to parameters whose covariance overflows.
        if not np.all(parameters.amplitude < _MAX_AMPLITUDE):
            return _NO_DENSITY, np.zeros_like(numbers)
        place = self.embedding.positions(inputs, parameters)
        matern, slope, linear = covariance_parts(place, place, parameters.amplitude)
        spread = math.exp(2 * parameters.amplitude[2])
        try:
            lower = np.linalg.cholesky(matern + linear + _diagonal(dataset.noise, spread))
        except np.linalg.LinAlgError:
            return _NO_DENSITY, np.zeros_like(numbers)
        inverse = cho_solve((lower, True), np.eye(len(targets)))
        dual = inverse @ targets
        away = (numbers - self.mean.pack()) / self.deviation.pack()
        value = 0.5 * targets @ dual + np.log(np.diag(lower)).sum() + 0.5 * away @ away
        push = 0.5 * (inverse - np.outer(dual, dual))  # derivative by the covariance matrix
        pull = push * slope
        by_place = 4 * (pull.sum(axis=1)[:, None] * place - pull @ place)
        by_place += 2 * math.exp(2 * parameters.amplitude[1]) * (push @ place)
        sums = [(push * matern).sum(), (push * linear).sum(), spread * np.trace(push)]
        gradient = self.embedding.gradient(inputs, parameters, by_place, 2 * np.array(sums))
        return float(value), gradient.pack() + away / self.deviation.pack()

    def conditioned(self, dataset: Dataset) -> "Posterior":
        """Return the posterior of the function given a data set."""
        return Posterior(self, dataset)


@dataclass(frozen=True)
class Posterior:
    """A Gaussian process conditioned on a data set."""

    process: GaussianProcess
    dataset: Dataset

    def predict(self, asked: Inputs) -> tuple[Floats, Floats]:
        """Return the posterior mean and standard deviation, without noise, each (len(asked),)."""
        amplitude = self.process.parameters.amplitude
        query = self.process.positions(asked)
        cross = covariance(query, self._positions, amplitude)
        known = (cross @ self._inverse * cross).sum(axis=1)
        own = variance(query, amplitude)
        return cross @ self._dual, np.sqrt(np.maximum(own - known, 1e-10))

    @property
    def noise(self) -> float:
        """The learned standard deviation of the noise, in standardised units."""
        return math.exp(self.process.parameters.amplitude[2])

    def left_out(self) -> Floats:
        """Return the leave-one-out residual of each target, (n,).

        It is `y_i - mu_i` with the posterior mean mu_i given all other targets (Rasmussen and
        Williams, eq. 5.12).
        """
        return np.asarray(self._dual / np.diag(self._inverse))

    @cached_property
    def _positions(self) -> Floats:
        return self.process.positions(self.dataset.inputs)

    @cached_property
    def _inverse(self) -> Floats:
        """Inverse of the covariance of the targets, noise included, (n, n)."""
        amplitude = self.process.parameters.amplitude
        spread = math.exp(2 * amplitude[2])
        inner = covariance(self._positions, self._positions, amplitude)
        lower = np.linalg.cholesky(inner + _diagonal(self.dataset.noise, spread))
        return np.asarray(cho_solve((lower, True), np.eye(len(self.dataset))))

    @cached_property
    def _dual(self) -> Floats:
        """Weights of the covariances in the posterior mean, (n,)."""
        return self._inverse @ self.dataset.targets


def _diagonal(noise: Floats, spread: float) -> Floats:
    return np.diag(noise + spread + 1e-6)
