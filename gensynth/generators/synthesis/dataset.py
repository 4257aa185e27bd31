"""Encoded candidates, and the data sets that a Gaussian process is fitted to."""

from dataclasses import dataclass

import numpy as np
from numpy import float64, int64
from numpy.typing import NDArray

Floats = NDArray[float64]


@dataclass(frozen=True)
class Inputs:
    """Encoded candidates."""

    rows: NDArray[int64]
    """Row of the embedding table for each decision, (n, decisions)."""
    features: Floats
    """Standardised numbers known before training, (n, features)."""

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.rows)

    def joined(self, other: "Inputs") -> "Inputs":
        """Return these candidates followed by those of `other`."""
        return Inputs(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.features, other.features]),
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
