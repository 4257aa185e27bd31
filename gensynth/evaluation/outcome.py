"""An outcome: everything known of one candidate at its end; one row of the record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gensynth.evaluation.constraint import Judgement
from gensynth.evaluation.latency import Latency
from gensynth.evaluation.measurement import Measurement
from gensynth.genome import Decision
from gensynth.graph.profile import Profile

Ending = Literal[
    "completed",  # trained to its last epoch
    "stopped",  # ended early by the stopping rule
    "infeasible",  # broke an enforced rule before training
    "duplicate",  # answered from the record: the same function was trained before
    "diverged",  # a non-finite loss
    "out_of_memory",
    "timed_out",
    "lost",  # its worker died, more often than it is worth trying
    "crashed",  # a plugin raised; `detail` names it
]
Purpose = Literal["search", "reference", "final", "export"]
"""Why a candidate was handed out: to learn from, as a yardstick, to choose, to publish."""


@dataclass(frozen=True)
class Outcome:
    """One candidate at its end; plain data all through."""

    number: int
    """Order in which candidates were handed out, from 0."""
    asked_after: int
    """How many outcomes the generator had been told when it proposed this one."""
    decisions: Mapping[str, Decision]
    genome_id: str
    fingerprint: str
    """Of the network's canonical graph: equal for genomes that compute the same."""
    ending: Ending
    purpose: Purpose = "search"
    seed: int = 0
    """The generator's seed s."""
    training_seed: int = 0
    attempt: int = 1
    detail: str = ""
    profile: Profile | None = None
    curve: tuple[Measurement, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    latencies: Mapping[str, Latency] = field(default_factory=dict)
    """Measured before training, by the words of the question; once for each `fingerprint`."""
    reactions: Mapping[str, float] = field(default_factory=dict)
    """What the untrained network showed when it was probed."""
    score: float | None = None
    """U; None unless every enforced rule holds and the training completed."""
    value: float | None = None
    """The pursued value: U minus what violated preferences cost."""
    seconds: float = 0.0

    @property
    def top1(self) -> float | None:
        """The last measured validation top-1 in percent, or None."""
        return self.curve[-1].top1 if self.curve else None
