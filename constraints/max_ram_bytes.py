"""A limit on the RAM that a network takes on a microcontroller."""

from dataclasses import dataclass
from typing import ClassVar

from constraints.tflm_limit import TflmLimit
from gensynth.quantity import Bytes
from gensynth.tflm.footprint import Footprint
from gensynth.tflm.program import Precision


@dataclass(frozen=True)
class MaxRamBytes(TflmLimit):
    """At most `limit` bytes of tensor arena under TensorFlow Lite Micro.

    The arena holds the activations and what the interpreter keeps. It is known before training; the
    stack and the rest of a firmware come on top (`board` counts them).
    """

    unit: ClassVar[str] = "bytes of tensor arena"
    limit: Bytes
    """Bytes, above 0; also `"64 kB"` (1 kB = 1,000 bytes, 1 KiB = 1,024)."""
    precision: Precision = "int8"
    """Numbers of the exported model: `int8`, or `float` (float32)."""

    def cost(self, footprint: Footprint) -> int:
        """Return the bytes of the arena."""
        return footprint.arena_bytes
