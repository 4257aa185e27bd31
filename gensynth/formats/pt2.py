"""A `torch.export` program: the network as a graph of torch's core operators, for any batch."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

from gensynth.errors import InputError
from gensynth.formats import Deployment, Run, brief
from gensynth.formats.output_suppression import quiet

if TYPE_CHECKING:
    from torch import Tensor


FACTS = ("preprocessing", "classes")
"""The extra files that are read back."""


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
            facts = {f"{name}.json": text for name, text in network.metadata.items()}
            torch.export.save(network.program, path, extra_files=facts)

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


def pt2_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a file; raises `InputError` if it cannot be read.

    It is read as data. `torch.export.load` would run whatever the file asks for.
    """
    try:
        with ZipFile(path) as archive:
            parts = {PurePosixPath(name).parts[1:]: name for name in archive.namelist()}
            known = {fact: parts.get(("extra", f"{fact}.json")) for fact in FACTS}
            return {fact: archive.read(name).decode() for fact, name in known.items() if name}
    except (OSError, BadZipFile, ValueError, RuntimeError, NotImplementedError) as error:
        raise InputError(str(path), f"cannot be read: {brief(error)}") from None
