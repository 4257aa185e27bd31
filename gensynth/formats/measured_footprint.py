"""The real arena and the real file of a network, where the converter is prepared."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.formats import Deployment, Format
from gensynth.formats.real_inputs import noise
from gensynth.plugins import create, names
from gensynth.space import Source, build_source
from gensynth.tflm.footprint import Footprint
from gensynth.tflm.program import Precision

FORMATS: Mapping[Precision, str] = {"int8": "tflite-int8", "float": "tflite"}
"""Names of the formats that microcontrollers run."""


@runtime_checkable
class MeasuresFootprint(Protocol):
    """A format whose runtime tells what a file takes on a microcontroller."""

    def footprint(self, path: Path, /) -> Footprint:
        """Allocate the file that was written; `InputError` if the runtime refuses it."""
        ...


class MeasuringFormat(Format, MeasuresFootprint, Protocol):
    """A format that writes a network and tells what it takes."""


def measuring_format(precision: Precision) -> MeasuringFormat | None:
    """Return the format that measures, or None if it is not installed or not prepared."""
    name = FORMATS[precision]
    if name not in names("format"):
        return None
    made = create("format", name, {}, name, None)
    if not (isinstance(made, Format) and isinstance(made, MeasuresFootprint)):
        return None
    try:
        made.check()
    except InputError:
        return None
    return made


def measured_footprint(source: Source, measuring: MeasuringFormat) -> Footprint:
    """Convert a network with fresh weights, on which sizes do not depend, and allocate it.

    Raises:
        ConstraintError: it cannot be converted, or the runtime refuses it.
    """
    inputs = noise(source.input_shape)
    deployment = Deployment(build_source(source).eval(), source.input_shape, inputs.calibration)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, measuring.file)
        try:
            measuring.write(deployment, file)
            return measuring.footprint(file)
        except InputError as error:
            raise ConstraintError(f"{measuring.name}: {error}") from error
