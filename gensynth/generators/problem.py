"""What a generator sees of the world: decisions, what is known before training, how to probe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from numpy import float64
from numpy.typing import NDArray

from gensynth.genome import Decision, Decisions
from gensynth.space import Choose


@dataclass(frozen=True)
class Foresight:
    """What is known of a candidate before it is trained; exact, never learned."""

    genome_id: str
    fingerprint: str
    violations: Mapping[str, float] = field(default_factory=dict)
    """Of the enforced rules that can be judged now: at most 0 where the rule holds."""
    features: Mapping[str, float] = field(default_factory=dict)
    """Numbers that may help to predict the accuracy: log10 of parameters, MACs, memory, ..."""

    @property
    def feasible(self) -> bool:
        """Say whether no enforced rule is known to be broken."""
        return all(violation <= 0 for violation in self.violations.values())


@dataclass(frozen=True)
class Prospect:
    """What a candidate would be worth at supposed top-1 values, shapes as those."""

    value: NDArray[float64]
    """The pursued value (U less preferences), whether feasible or not; NaN where none exists."""
    violation: NDArray[float64]
    """Sum of the positive violations of all enforced rules that the top-1 decides; 0 = holds."""
    decided: Sequence[str] = ()
    """Names of the enforced rules that the top-1 decides."""


class Problem(Protocol):
    """A search space under its rules and score, or a table of trained networks."""

    @property
    def prototype(self) -> Decisions:
        """Where a generator starts; empty where there is no such place."""
        ...

    @property
    def enforced(self) -> Sequence[str]:
        """Names of the rules that make up 1_r, whenever they can be judged."""
        ...

    def sample(self, choose: Choose, /) -> object:
        """Ask `choose` for every decision that is reached."""
        ...

    def foresee(self, decisions: Decisions) -> Foresight:
        """Say what is known before training; `InputError` where no network can be built."""
        ...

    def prospect(self, foresight: Foresight, top1: NDArray[float64]) -> Prospect:
        """Suppose top-1 values (percent) for a candidate and say what it would be worth."""
        ...

    def probe(self, decisions: Mapping[str, Decision]) -> Mapping[str, float]:
        """Stimulate the built, untrained network; its reactions by name, empty for a table."""
        ...
