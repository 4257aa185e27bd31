"""Numbers with units, as people write them: `200 kB`, `4.2M`, `5 ms`, `85 %`.

A field of type `Bytes` (or `Count`, `Milliseconds`, `Percent`) is a `float` that a file or an
option may also state as such a text; 1 kB = 1,000 bytes and 1 KiB = 1,024 bytes.
"""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from gensynth.errors import InputError, nearest

_WRITTEN = re.compile(
    r"\s*([+-]?(?:\d{1,3}(?:,\d{3})+|\d[\d_]*)?(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*([^\W\d_]\S*|%)?\s*"
)


@dataclass(frozen=True)
class Quantity:
    """A kind of number, and the units in which it may be stated."""

    what: str
    """Its name in an error, such as `a number of bytes`."""
    example: str
    """How it may be written."""
    units: tuple[tuple[str, str], ...]
    """Each unit and its size as a decimal number."""
    refused: tuple[tuple[str, str], ...] = ()
    """Units that people read in several ways, and what to write instead."""

    def read(self, text: str, place: str) -> float:
        """Return the number that `text` states.

        Raises:
            InputError: `text` is no finite number, or its unit is unknown or ambiguous.

        >>> BYTES.read("64 kB", "limit"), BYTES.read("64 KiB", "limit"), COUNT.read("4.2M", "limit")
        (64000.0, 65536.0, 4200000.0)
        """
        match = _WRITTEN.fullmatch(text)
        digits, unit = match.groups() if match else ("", "")
        if not any(letter.isdigit() for letter in digits):
            raise InputError(place, f"expected {self.what} such as {self.example}, got {text!r}")
        size = dict(self.units).get(unit) if unit else "1"
        if size is None:
            raise InputError(place, self._unknown(text, unit))
        try:
            number = float(Decimal(digits.replace(",", "")) * Decimal(size))
        except ArithmeticError:  # Beyond what even a decimal number holds.
            number = math.inf
        if not math.isfinite(number):
            raise InputError(place, f"expected {self.what}, got {text!r}, which is too large")
        return number

    def _unknown(self, text: str, unit: str) -> str:
        if instead := dict(self.refused).get(unit):
            return f"{text!r} is ambiguous: write {instead}"
        return f"unknown unit {unit!r} in {text!r}{nearest(unit, dict(self.units))}"


COUNT = Quantity(
    "a number",
    "200k or 4.2M",
    (("k", "1000"), ("K", "1000"), ("M", "1000000"), ("G", "1000000000")),
    (("m", "M for millions"), ("B", "G for billions")),
)
BYTES = Quantity(
    "a number of bytes",
    "200 kB or 64 KiB",
    (
        ("B", "1"),
        ("kB", "1000"),
        ("MB", "1000000"),
        ("GB", "1000000000"),
        ("k", "1000"),
        ("M", "1000000"),
        ("G", "1000000000"),
        ("KiB", "1024"),
        ("MiB", "1048576"),
        ("GiB", "1073741824"),
    ),
    (
        *((unit, "kB (1,000 bytes) or KiB (1,024 bytes)") for unit in ("KB", "K", "kb", "Kb")),
        ("kiB", "KiB"),
    ),
)
MILLISECONDS = Quantity(
    "a number of milliseconds",
    "5 ms",
    (("ms", "1"), ("s", "1000"), ("us", "0.001"), ("\u00b5s", "0.001"), ("\u03bcs", "0.001")),
)
PERCENT = Quantity("a number of percent", "85 %", (("%", "1"),))

Count = Annotated[float, COUNT]
Bytes = Annotated[float, BYTES]
Milliseconds = Annotated[float, MILLISECONDS]
Percent = Annotated[float, PERCENT]
