"""What TFLM's allocator and the converter add for each operator and tensor, fitted to real ones.

`python -m experiments.benchmarks.tflm_memory --work FOLDER` prints them, and their errors on
networks that are not in the fit.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gensynth.tflm.program import Precision

TERMS = ("products", "pools", "sums", "others")
"""Groups of operators: convolutions and linear layers, pools, ADD, SUB and MUL, all others."""


@dataclass(frozen=True)
class Coefficients:
    """Bytes for each term."""

    tail: tuple[float, ...]
    """For an operator of each group, and for every network."""
    file: tuple[float, ...]
    """For a tensor, a constant, an operator of each group, a kind of operator, and a network."""


COEFFICIENTS: Mapping[Precision, Coefficients] = {
    "int8": Coefficients(
        (137.4, 26.0, 38.2, 21.5, 726.7), (97.1, 92.0, 17.7, 54.8, 11.6, 0.0, 10.4, 289.3)
    ),
    "float": Coefficients(
        (138.7, 31.2, 35.5, 21.3, 555.6), (81.3, 68.9, 0.0, 42.0, 15.5, 1.7, 0.0, 372.5)
    ),
}
"""Fitted by the command above."""
