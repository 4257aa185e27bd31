"""The size of a search space: counted if that is quick, else estimated from random draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod, sqrt
from statistics import fmean, stdev

from gensynth.genome import Decisions
from gensynth.space import Samples, enumerate_decisions


@dataclass(frozen=True)
class Size:
    """The number of sequences of decisions of a space."""

    count: float
    exact: bool
    error: float = 0.0
    """Standard error, relative to the estimate."""

    def __str__(self) -> str:
        """Write an exact count in full, an estimate as a power of ten."""
        if self.exact:
            return f"{self.count:,.0f} sequences of decisions"
        return f"about {self.count:.1e} sequences of decisions (±{self.error:.0%})"


def all_decisions(space: Samples, limit: int) -> list[Decisions] | None:
    """Return every sequence of decisions, or None if there are more than `limit`."""
    found = list(islice(enumerate_decisions(space), limit + 1))
    return None if len(found) > limit else list(found)


def estimated(options: Sequence[Sequence[int]]) -> Size:
    """Estimate the size from the numbers of options that uniform random draws had.

    The product of these numbers is an unbiased estimate of the leaves of a tree (Knuth 1975,
    Mathematics of Computation 29, 121-136); this returns its mean over the draws.
    """
    products = [float(prod(met)) for met in options]
    mean = fmean(products)
    spread = stdev(products) if len(products) > 1 else 0.0
    return Size(mean, False, spread / sqrt(len(products)) / mean)
