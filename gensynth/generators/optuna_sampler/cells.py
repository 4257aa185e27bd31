"""The range of a number as a row of cells, and cells as digits that a generator can choose.

A generator chooses among finite options, so it reaches a number digit by digit, coarse to fine. The
digits are a reflected Gray code: neighbouring cells differ in one digit, by one. The mutation of
one digit may therefore be a step of any size in either direction, and crossing the boundary of a
coarse digit takes no more than one mutation.
"""

import math
from dataclasses import dataclass
from functools import cached_property

from optuna.distributions import FloatDistribution, IntDistribution

from gensynth.space import Choose

BASE = 8
FINEST = BASE**5
"""Cells of a continuous range. A range with fewer steps has one cell for each."""

DIGITS = tuple(tuple(range(parts)) for parts in range(BASE + 1))


@dataclass(frozen=True)
class Cells:
    """The range of one numeric parameter, divided into cells.

    There is one cell for each value if there are at most `FINEST` values. Otherwise there are
    `FINEST` cells of equal width, or of equal ratio on a logarithmic scale.
    """

    distribution: FloatDistribution | IntDistribution

    @cached_property
    def exact(self) -> bool:
        """Whether every cell is one value."""
        return bool(self.distribution.step) and not self.distribution.log and self._steps <= FINEST

    @cached_property
    def count(self) -> int:
        """Number of cells."""
        return self._steps if self.exact else FINEST

    def value(self, cell: int) -> int | float:
        """Return the value in the middle of a cell, 0 to `count` - 1."""
        step = self.distribution.step
        if self.exact and step:
            return self._allowed(self.distribution.low + cell * step)
        low, high = self._bounds
        share = (cell + 0.5) / self.count
        middle = low * (1 - share) + high * share
        return self._allowed(math.exp(middle) if self.distribution.log else middle)

    def cell(self, value: float) -> int:
        """Return the cell that holds a value of the range."""
        return min(int(self.place(value) * self.count), self.count - 1)

    def place(self, value: float) -> float:
        """Return the position of a value in the range, 0 to 1."""
        low, high = self._bounds
        at = math.log(value) if self.distribution.log else value
        # The width of a range may overflow a float; half of it does not.
        return min(max((at / 2 - low / 2) / (high / 2 - low / 2), 0.0), 1.0)

    @cached_property
    def _steps(self) -> int:
        low, high, step = (
            self.distribution.low,
            self.distribution.high,
            self.distribution.step,
        )
        return round((high - low) / step) + 1 if step else FINEST + 1

    @cached_property
    def _bounds(self) -> tuple[float, float]:
        """Both ends on the range's scale, extended by half a step if there are steps."""
        half = (self.distribution.step or 0) / 2
        low, high = self.distribution.low - half, self.distribution.high + half
        return (math.log(low), math.log(high)) if self.distribution.log else (low, high)

    def _allowed(self, value: float) -> int | float:
        low, high, step = (
            self.distribution.low,
            self.distribution.high,
            self.distribution.step,
        )
        if step:
            value = low + round((value - low) / step) * step
        value = min(max(value, low), high)
        return int(value) if isinstance(self.distribution, IntDistribution) else float(value)


def spelled(choose: Choose, name: str, count: int) -> int:
    """Let `choose` pick one of `count` cells, digit by digit; digits are named `NAME:LEVEL`.

    Each digit picks one of up to `BASE` parts of the remaining cells. After an odd digit, the next
    one counts its parts backwards.
    """
    low, size, mirrored, level = 0, count, 0, 0
    while size > 1:
        parts = min(BASE, size)
        digit = choose(f"{name}:{level}", DIGITS[parts])
        part = parts - 1 - digit if mirrored else digit
        start = size * part // parts
        low, size = low + start, size * (part + 1) // parts - start
        mirrored ^= digit & 1
        level += 1
    return low


def spelling(name: str, cell: int, count: int) -> dict[str, int]:
    """Return the digits that `spelled` turns into `cell`."""
    digits: dict[str, int] = {}
    low, size, mirrored = 0, count, 0
    while size > 1:
        parts = min(BASE, size)
        part = next(k for k in range(parts) if cell - low < size * (k + 1) // parts)
        digit = parts - 1 - part if mirrored else part
        digits[f"{name}:{len(digits)}"] = digit
        start = size * part // parts
        low, size = low + start, size * (part + 1) // parts - start
        mirrored ^= digit & 1
    return digits
