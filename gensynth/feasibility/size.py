"""How large a search space is: counted where that is quick, else estimated from random draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod, sqrt
from statistics import fmean, stdev

from gensynth.genome import Decisions
from gensynth.space import Samples, enumerate_decisions


@dataclass(frozen=True)
class Size:
    """How many sequences of decisions a space has."""

    count: float
    exact: bool
    error: float = 0.0
    """Standard error of an estimate, as a share of it."""

    def __str__(self) -> str:
        """Write an exact count in full, an estimate as a power of ten."""
        if self.exact:
            return f"{self.count:,.0f} sequences of decisions"
        return f"about {self.count:.1e} sequences of decisions (±{self.error:.0%})"


def all_decisions(space: Samples, limit: int) -> list[Decisions] | None:
    """List every sequence of decisions, or None where there are more than `limit`."""
    found = list(islice(enumerate_decisions(space), limit + 1))
    return None if len(found) > limit else list(found)


def estimated(options: Sequence[Sequence[int]]) -> Size:
    """Estimate the size from the numbers of options that uniform random draws met on their way.

    The product of these numbers is an unbiased estimate of the leaves of a tree (Knuth 1975,
    Mathematics of Computation 29, 121-136); its mean over the draws is told.
    """
    products = [float(prod(met)) for met in options]
    mean = fmean(products)
    spread = stdev(products) if len(products) > 1 else 0.0
    return Size(mean, False, spread / sqrt(len(products)) / mean)
