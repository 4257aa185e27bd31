"""What an export holds beside its PyTorch file: other formats, each compared as it is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.exports.agreement import Agreement, add_format, table
from gensynth.formats import Deployment, Format
from gensynth.formats.real_inputs import RealInputs

if TYPE_CHECKING:
    from torch import nn


@dataclass
class Extras:
    """Adds formats to an export while nobody sees it yet; its card tells how they agree."""

    formats: Sequence[Format]
    inputs: RealInputs
    agreements: list[Agreement] = field(default_factory=list)
    """Of each format, once it was written; one that disagrees was removed again."""

    def __call__(self, searched: "nn.Module", draft: Path) -> None:
        """Write the formats into the folder `draft`, which has its card already."""
        channels, height, width = self.inputs.images.shape[1:]
        network = Deployment(searched, (channels, height, width), self.inputs.calibration)
        self.agreements = [add_format(f, network, self.inputs, draft) for f in self.formats]
        if self.agreements:
            from gensynth.exports.folder import CARD

            with (draft / CARD).open("a", encoding="utf-8") as card:
                card.write(table(self.agreements))
