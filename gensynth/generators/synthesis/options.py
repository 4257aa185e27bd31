"""How the generator named `gensynth` works; the same for every problem."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SynthesisOptions:
    """How G and I work; the same for every problem."""

    seeds: int = 48
    """Seeds s that G answers for each proposal (eight times as many for the first)."""
    mutants: int = 32
    """Candidates for each proposal that answer some decisions of the best ones anew."""
    pool: int = 2048
    """Candidates that are kept and assessed again for each proposal."""
    initial: int = 4
    """Proposals that are spread out before I chooses."""
    rate: float = 0.03
    """Step size of theta_G; 0 freezes G at its start."""
    learn: bool = True
    """Whether I learns, and G from it."""
    probe: bool = False
    """Whether untrained networks are probed. In no benchmark did that find better networks."""
    foresight: bool = True
    """Whether candidates that are known to break a rule before training are left out."""
    refinements: int = 0
    """Rounds of local search around the best candidates for each proposal. They are of use for
    numbers, whose neighbours are alike."""
