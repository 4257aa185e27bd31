"""What a surrogate learns from, and what it is asked about."""

from dataclasses import dataclass

import numpy as np
from numpy import float64, int64
from numpy.typing import NDArray

Floats = NDArray[float64]


@dataclass(frozen=True)
class Inputs:
    """Candidates: rows of the encoding (n, decisions), and known numbers (n, features)."""

    rows: NDArray[int64]
    features: Floats

    def __len__(self) -> int:
        """Count the candidates."""
        return len(self.rows)

    def joined(self, other: "Inputs") -> "Inputs":
        """Append the candidates of `other`."""
        return Inputs(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.features, other.features]),
        )


@dataclass(frozen=True)
class Lesson:
    """What a surrogate learns from: candidates and what was found of each."""

    inputs: Inputs
    targets: Floats
    """Standardised, (n,)."""
    noise: Floats
    """Known variance of each target, standardised, beside the one that is learned, (n,)."""

    def __len__(self) -> int:
        """Count the candidates."""
        return len(self.targets)

    def joined(self, inputs: Inputs, targets: Floats) -> "Lesson":
        """Append candidates whose targets are taken as exact."""
        return Lesson(
            self.inputs.joined(inputs),
            np.concatenate([self.targets, targets]),
            np.concatenate([self.noise, np.zeros(len(targets))]),
        )
