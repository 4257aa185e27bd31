"""An outcome: everything that is known of one candidate at its end, and a row of the record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gensynth.evaluation.constraint import Judgement
from gensynth.evaluation.latency import Latency
from gensynth.evaluation.measurement import Measurement
from gensynth.genome import Decision
from gensynth.graph.profile import Profile

Ending = Literal[
    "completed",  # trained to the last epoch
    "stopped",  # ended by the rule for early stopping
    "infeasible",  # breaks an enforced rule, as was known before training
    "duplicate",  # computes the same as an earlier candidate, whose results were copied
    "diverged",  # the loss became infinite or NaN
    "out_of_memory",
    "timed_out",
    "lost",  # its worker died in every attempt
    "crashed",  # a plugin raised an exception; `detail` names it
]
Purpose = Literal["search", "reference", "final", "export", "longer"]
"""Why a candidate is trained: to learn from it, to compare with it, to choose it, to export it, to
learn during the search what a training of the finals' length gains."""


@dataclass(frozen=True)
class Outcome:
    """One candidate at its end, as plain data."""

    number: int
    """Position in the order in which candidates were made, from 0."""
    asked_after: int
    """Number of outcomes that the generator knew when it proposed this candidate."""
    decisions: Mapping[str, Decision]
    """Answers of the search space's questions, by name."""
    genome_id: str
    """Name of the genome: 12 hexadecimal digits."""
    fingerprint: str
    """Hash of the network's canonical graph, equal for genomes that compute the same."""
    ending: Ending
    """How it ended: `completed`, `stopped`, `infeasible`, `duplicate`, or what failed."""
    purpose: Purpose = "search"
    """Why it was trained: `search`, `reference`, `final`, `longer` or `export`."""
    seed: int = 0
    """The seed s that the generator made the decisions from."""
    training_seed: int = 0
    """Seed of the initial weights and of the order of the images."""
    attempt: int = 1
    """Which attempt at the training ended so, from 1; 0 without a training."""
    detail: str = ""
    """What there is to say about the ending, in one line."""
    profile: Profile | None = None
    """Its costs; None if it could not be built."""
    curve: tuple[Measurement, ...] = ()
    """One measurement for each epoch."""
    judgements: tuple[Judgement, ...] = ()
    """The verdict of each rule."""
    latencies: Mapping[str, Latency] = field(default_factory=dict)
    """Latencies by the words of the question, measured once for each `fingerprint`."""
    reactions: Mapping[str, float] = field(default_factory=dict)
    """Reactions of the untrained network to probing, by name."""
    score: float | None = None
    """U; None unless the training completed and every enforced rule holds."""
    value: float | None = None
    """The pursued value: U minus the cost of violated preferences."""
    seconds: float = 0.0
    """Wall-clock seconds of its training."""

    @property
    def top1(self) -> float | None:
        """The last measured validation top-1 in percent, or None."""
        return self.curve[-1].top1 if self.curve else None
