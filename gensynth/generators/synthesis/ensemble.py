"""Several surrogates that learned the same, each from a prior of its own: doubt about the kernel.

One maximum of the posterior is too sure of itself while outcomes are few: it takes what it cannot
know (which decisions matter, which options are alike) for known. Each member's prior means are a
draw from the prior, so that members agree where the outcomes decide and differ where they do not
(randomised maximum a posteriori; the first member keeps the prior's own means).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.generators.synthesis.encoding import Encoding
from gensynth.generators.synthesis.lesson import Inputs, Lesson
from gensynth.generators.synthesis.surrogate import Prior, Surrogate

Floats = NDArray[float64]
MEMBERS = 4


@dataclass(frozen=True)
class Ensemble:
    """Surrogates over one encoding; the first is also the one that measures distances."""

    members: tuple[Surrogate, ...]

    @classmethod
    def make(
        cls,
        encoding: Encoding,
        features: int,
        members: int = MEMBERS,
        prior: Prior | None = None,
    ) -> "Ensemble":
        """Begin with nothing learned; the same members for the same encoding."""
        first = Surrogate.make(encoding, features, prior)
        others = (first.drawn(np.random.default_rng(k)) for k in range(1, members))
        return cls((first, *others))

    @property
    def first(self) -> Surrogate:
        """The member whose prior is not drawn."""
        return self.members[0]

    def fitted(self, lessons: Sequence[Lesson], steps: int) -> "Ensemble":
        """Let every member climb from where it stands; the first also from its prior's means."""
        pairs = zip(self.members, lessons, strict=True)
        found = [member.fitted(lesson, steps) for member, lesson in pairs]
        again = replace(self.first, parameters=self.first.mean)
        restarted = again.fitted(lessons[0], steps)
        first = min(found[0], restarted, key=lambda member: member.loss(lessons[0]))
        return Ensemble((first, *found[1:]))

    def predict(self, lessons: Sequence[Lesson], asked: Inputs) -> tuple[Floats, Floats]:
        """Give means and deviations where it is `asked`, (members, asked); a lesson each."""
        pairs = [
            member.predict(lesson, asked)
            for member, lesson in zip(self.members, lessons, strict=True)
        ]
        return np.array([mean for mean, _ in pairs]), np.array([spread for _, spread in pairs])


def log_mean(logarithms: Floats) -> Floats:
    """Average what the members think of each candidate, (members, n) to (n,), of logarithms."""
    mean = np.logaddexp.reduce(logarithms, axis=0) - np.log(len(logarithms))
    return np.asarray(mean, dtype=float64)
