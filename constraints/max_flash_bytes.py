"""A limit on the flash that a network takes on a microcontroller."""

from dataclasses import dataclass
from typing import ClassVar

from constraints.tflm_limit import TflmLimit
from gensynth.quantity import Bytes
from gensynth.tflm.footprint import Footprint
from gensynth.tflm.program import Precision


@dataclass(frozen=True)
class MaxFlashBytes(TflmLimit):
    """At most `limit` bytes of `.tflite` file, without names and metadata.

    The file stays in flash. It is known before training; the code of the runtime comes on top
    (`board` counts it).
    """

    unit: ClassVar[str] = "bytes of model file"
    limit: Bytes
    """Bytes, above 0; also `"128 kB"` (1 kB = 1,000 bytes, 1 KiB = 1,024)."""
    precision: Precision = "int8"
    """Numbers of the exported model: `int8`, or `float` (float32)."""

    def cost(self, footprint: Footprint) -> int:
        """Return the bytes of the file."""
        return footprint.model_bytes
