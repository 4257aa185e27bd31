"""A limit on the memory for the activations of a network."""

from dataclasses import dataclass
from typing import ClassVar, get_args

from constraints.limit import ProfileLimit
from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate
from gensynth.graph.profile import Execution, Profile, peak_activation_bytes
from gensynth.quantity import Bytes


@dataclass(frozen=True)
class MaxPeakActivationBytes(ProfileLimit):
    """At most `limit` bytes of float32 activations alive at the same time, at batch 1.

    It describes an execution, not a runtime. What TensorFlow Lite Micro allocates is the subject of
    `max_ram_bytes`.
    """

    counted: ClassVar[bool] = True
    unit: ClassVar[str] = "bytes of live activations"
    limit: Bytes
    """Bytes, above 0; also `"64 kB"` (1 kB = 1,000 bytes, 1 KiB = 1,024)."""
    execution: Execution = "plain"
    """`plain`: each operator by itself, nothing in place. `fused`: a convolution, its normalisation
    and its activation in one."""

    def __post_init__(self) -> None:
        """Refuse an execution that is not known."""
        super().__post_init__()
        if self.execution not in get_args(Execution):
            raise InputError("execution", f"expected plain or fused, got {self.execution!r}")

    def figure(self, candidate: Candidate) -> float:
        """Return the bytes at the peak of the execution."""
        if self.execution == "plain":
            return self.cost(candidate.profile)
        return peak_activation_bytes(candidate.graph, self.execution)

    def cost(self, profile: Profile) -> float:
        """Return the bytes at the peak."""
        return profile.peak_activation_bytes
