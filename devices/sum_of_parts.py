"""Predicts a figure of a network from its graph alone: a sum over its parts.

The parts are layers, or loops of code; the figure is their milliseconds or instructions. That of a
part is the sum of `coefficients * features`. Each class of parts has its own coefficients, none of
them negative, fitted to what an emulator counted for each part. A class that was never seen falls
back to a coarser one; `Foreseen.extrapolated` reports it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from gensynth.evaluation.latency import in_unit
from gensynth.graph.graph import Graph

Part = tuple[Sequence[str], Sequence[float]]
"""The classes of a part, the narrowest first, and its features."""
MOST_UNSEEN = 0.1
"""Largest share of unseen classes at which a prediction is no extrapolation."""


@dataclass(frozen=True)
class SumOfParts:
    """The coefficients, and how far they can be trusted; a device says what its parts are."""

    parts: ClassVar[str]
    """What the parts are, in the plural."""
    unit: ClassVar[str]
    """Unit of the figure."""

    fitted: str
    """What it was fitted on, and how large its errors are."""
    coefficients: Mapping[str, Sequence[float]]
    """What each feature adds to the figure, by class of parts."""
    error_90: float
    """Relative difference from the emulator that nine of ten unseen networks do not exceed."""
    ratio_error_90: float
    """The same for the ratio of two of them."""
    least: float
    """Figure of the smallest network that it was fitted on."""
    most: float
    """Figure of the largest network that it was fitted on."""

    def foresee(self, graph: Graph, /) -> "Foreseen":
        """Return the figure of one inference of one image, and how far it can be trusted."""
        raise NotImplementedError

    def sum(self, parts: Iterable[Part]) -> "Foreseen":
        """Return the figure of a network, and the share of it that rests on unseen classes."""
        total = unseen = 0.0
        for classes, features in parts:
            figure, seen = self._figure(classes, features)
            total += figure
            unseen += 0.0 if seen else figure
        return Foreseen(total, unseen / total if total else 1.0, self)

    def _figure(self, classes: Sequence[str], features: Sequence[float]) -> tuple[float, bool]:
        for depth, name in enumerate(classes):
            found = self.coefficients.get(name)
            if found is not None:
                pairs = zip(found, features, strict=True)
                return sum(weight * feature for weight, feature in pairs), depth < 2
        return 0.0, False


@dataclass(frozen=True)
class Foreseen:
    """The prediction for a network, and how far it can be trusted."""

    figure: float
    """In the model's unit."""
    unseen: float
    """Share of the figure in classes of parts that were not in the fit."""
    model: SumOfParts

    @property
    def extrapolated(self) -> str:
        """Why the prediction is an extrapolation; empty if it is not."""
        model = self.model
        if self.unseen > MOST_UNSEEN:
            kinds = f"kinds of {model.parts} that the fit has not seen"
            return f"{self.unseen:.0%} of it comes from {kinds}"
        if not model.least <= self.figure <= model.most:
            low, high = in_unit(model.least, model.unit), in_unit(model.most, model.unit)
            return f"outside {low} to {high}, where the networks in the fit lie"
        return ""
