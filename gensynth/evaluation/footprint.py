"""Constraints on what a network takes on a microcontroller, which finalists are measured for."""

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from gensynth.tflm.program import Precision


@runtime_checkable
class NeedsFootprint(Protocol):
    """A constraint that reads `candidate.footprints`, and predicts what is not in there.

    Where the converter is prepared, finalists are converted and allocated by TensorFlow Lite Micro,
    and the constraint is asked again.
    """

    def footprint_precision(self) -> Precision:
        """Return the numbers of the model whose footprint it judges."""
        ...


def precisions_of(constraints: Iterable[object]) -> tuple[Precision, ...]:
    """Return the precisions that constraints ask for, each once."""
    asked = (c.footprint_precision() for c in constraints if isinstance(c, NeedsFootprint))
    return tuple(dict.fromkeys(asked))
