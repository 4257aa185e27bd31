"""ExecuTorch with the XNNPACK delegate, for phones and boards; the home of `executorch`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.errors import InputError
from gensynth.formats import Deployment, Run, brief, missing_package
from gensynth.formats.output_suppression import quiet

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ExecuTorch:
    """`model.pte`: takes one image at a time, for which its memory is planned ahead of time."""

    name: str = "executorch"
    file: str = "model.pte"
    tolerance: float | None = 1e-4

    def check(self) -> None:
        """Require ExecuTorch."""
        with quiet():
            _require()

    def write(self, network: Deployment, path: Path) -> None:
        """Lower the network's program, with its convolutions delegated to XNNPACK."""
        with quiet():
            path.write_bytes(_lowered(network))

    def open(self, path: Path) -> Run:
        """Load the program into the runtime of this process."""
        import torch

        with quiet():
            from executorch.runtime import Runtime

            runtime, content = Runtime.get(), path.read_bytes()
            program = runtime.load_program(content)
            method = program.load_method("forward")

        def run(images: "Tensor", alive: Any = (runtime, content, program)) -> "Tensor":
            # The method refers to the memory of `alive` without owning it, and the runtime reuses
            # the memory of its outputs.
            return torch.cat([method.execute([x[None].contiguous()])[0].clone() for x in images])

        return run


def _lowered(network: Deployment) -> bytes:
    partitioner, to_edge_transform_and_lower = _require()
    program = network.program_of_one
    try:
        facts = dict(network.metadata)  # Methods of the program that return a text.
        parts = {"partitioner": [partitioner()], "constant_methods": facts or None}
        edge: Any = to_edge_transform_and_lower(program, **parts)
        content: bytes = edge.to_executorch().buffer
    except Exception as error:
        problem = f"cannot express this network: {brief(error)}"
        raise InputError("ExecuTorch", problem) from error
    return content


def _require() -> tuple[Any, Any]:
    """Return the XNNPACK partitioner and the function that lowers a program."""
    try:
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower
    except ImportError as error:
        raise missing_package("ExecuTorch", "executorch", error) from error
    return XnnpackPartitioner, to_edge_transform_and_lower
