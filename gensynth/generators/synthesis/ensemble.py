"""An ensemble of Gaussian processes, which expresses the uncertainty of the kernel parameters.

Parameters of maximum posterior density are overconfident while observations are few: which
decisions matter and which options are alike is uncertain, but one maximum treats it as known. Each
member's prior means are a draw from the prior, so that members agree where the observations decide
and differ where they do not (randomised maximum a posteriori). The first member keeps the prior's
own means.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.generators.synthesis.encoding import Dataset, Encoding, Inputs
from gensynth.generators.synthesis.gaussian_process import GaussianProcess, Posterior, Prior

Floats = NDArray[float64]
MEMBERS = 4


@dataclass(frozen=True)
class Ensemble:
    """Gaussian processes over one encoding."""

    members: tuple[GaussianProcess, ...]

    @classmethod
    def make(
        cls,
        encoding: Encoding,
        features: int,
        members: int = MEMBERS,
        prior: Prior | None = None,
    ) -> "Ensemble":
        """Return an unfitted ensemble; the same encoding always gets the same members."""
        first = GaussianProcess.make(encoding, features, prior)
        others = (first.drawn(np.random.default_rng(k)) for k in range(1, members))
        return cls((first, *others))

    @property
    def first(self) -> GaussianProcess:
        """The member whose prior is not drawn."""
        return self.members[0]

    def fitted(self, datasets: Sequence[Dataset], steps: int) -> "Ensemble":
        """Return the ensemble with each member fitted to its own data set.

        Members start at their present parameters; the first one starts at its prior means too and
        keeps the better of both results.
        """
        pairs = zip(self.members, datasets, strict=True)
        found = [member.fitted(dataset, steps) for member, dataset in pairs]
        again = replace(self.first, parameters=self.first.mean)
        restarted = again.fitted(datasets[0], steps)
        first = min(found[0], restarted, key=lambda member: member.loss(datasets[0]))
        return Ensemble((first, *found[1:]))

    def conditioned(self, datasets: Sequence[Dataset]) -> "EnsemblePosterior":
        """Return the posterior of each member given its own data set."""
        pairs = zip(self.members, datasets, strict=True)
        return EnsemblePosterior(tuple(member.conditioned(dataset) for member, dataset in pairs))


@dataclass(frozen=True)
class EnsemblePosterior:
    """The posteriors of an ensemble's members."""

    members: tuple[Posterior, ...]

    def predict(self, asked: Inputs) -> tuple[Floats, Floats]:
        """Return posterior means and standard deviations, each (members, len(asked))."""
        pairs = [member.predict(asked) for member in self.members]
        return np.array([mean for mean, _ in pairs]), np.array([spread for _, spread in pairs])

    def joined(self, inputs: Inputs) -> "EnsemblePosterior":
        """Return the posterior given that candidates turn out exactly at their posterior means."""
        means, _ = self.predict(inputs)
        return EnsemblePosterior(
            tuple(
                member.process.conditioned(member.dataset.joined(inputs, mean))
                for member, mean in zip(self.members, means, strict=True)
            )
        )


def log_mean(logarithms: Floats) -> Floats:
    """Return the logarithm of the mean over members of exp(logarithms), (members, n) to (n,)."""
    mean = np.logaddexp.reduce(logarithms, axis=0) - np.log(len(logarithms))
    return np.asarray(mean, dtype=float64)
