"""ExecuTorch with the XNNPACK delegate, for phones and boards; the home of `executorch`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.errors import InputError
from gensynth.export.formats import Deployment, Run, brief, missing
from gensynth.export.quiet import quiet

if TYPE_CHECKING:
    from torch import Tensor

MOST_IMAGES = 64
"""Images at a time: ExecuTorch plans its memory ahead, so the free batch axis has an end."""


@dataclass(frozen=True)
class ExecuTorch:
    """`model.pte`: takes up to 64 images at a time."""

    name: str = "executorch"
    file: str = "model.pte"
    tolerance: float | None = 1e-4

    def write(self, network: Deployment, path: Path) -> None:
        """Lower the network's program, its convolutions to XNNPACK."""
        with quiet():
            path.write_bytes(_lowered(network))

    def open(self, path: Path) -> Run:
        """Load the program into the runtime of this process."""
        with quiet():
            from executorch.runtime import Runtime

            method = Runtime.get().load_program(path.read_bytes()).load_method("forward")

        def run(images: "Tensor") -> "Tensor":
            logits: Tensor = method.execute([images.contiguous()])[0]
            return logits.clone()  # The runtime uses the memory of its outputs again.

        return run


def _lowered(network: Deployment) -> bytes:
    try:
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower
    except ImportError as error:
        raise missing("ExecuTorch", "executorch", error) from error
    program = network.program_up_to(MOST_IMAGES)
    try:
        edge: Any = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
        content: bytes = edge.to_executorch().buffer
    except Exception as error:
        problem = f"cannot express this network: {brief(error)}"
        raise InputError("ExecuTorch", problem) from error
    return content
