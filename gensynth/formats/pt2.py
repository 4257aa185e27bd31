"""A `torch.export` program: the network as a graph of torch's core operators, for any batch."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.formats import Deployment, Run
from gensynth.formats.output_suppression import quiet

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Pt2:
    """`model.pt2`, loaded with `torch.export.load`; runs without this project."""

    name: str = "pt2"
    file: str = "model.pt2"
    tolerance: float | None = 1e-4

    def check(self) -> None:
        """Require nothing but torch."""

    def write(self, network: Deployment, path: Path) -> None:
        """Save the program."""
        import torch

        with quiet():
            torch.export.save(network.program, path)

    def open(self, path: Path) -> Run:
        """Load the program."""
        import torch

        with quiet():
            module = torch.export.load(path).module()

        def run(images: "Tensor") -> "Tensor":
            with torch.no_grad():
                logits: Tensor = module(images)
            return logits

        return run
