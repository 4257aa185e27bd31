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
        (132.5, 45.0, 38.9, 22.3, 707.8), (92.7, 81.4, 41.8, 57.5, 32.3, 0.0, 0.0, 407.7)
    ),
    "float": Coefficients(
        (136.6, 51.4, 31.1, 22.2, 522.6), (77.5, 66.2, 12.0, 41.3, 27.1, 0.0, 0.0, 388.8)
    ),
}
"""Fitted by the command above."""
