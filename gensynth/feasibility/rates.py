"""How many candidates keep each rule, and which rule it is that holds the search back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from gensynth.evaluation.confidence import wilson_interval
from gensynth.evaluation.constraint import Indicator, Judgement, Mode, Rule, Stage
from gensynth.feasibility.sample import Sampled


@dataclass(frozen=True)
class Range:
    """The least, the middle, and the most of a cost."""

    least: float
    median: float
    most: float


@dataclass(frozen=True)
class Rate:
    """What one rule does to the candidates."""

    rule: str
    mode: Mode
    judged: int
    """Candidates that it could be judged for before training."""
    kept: int
    """Those of them that keep it."""
    alone: int
    """Candidates that break this enforced rule and no other: what its removal would let in."""
    needs: Stage
    """What must be known of a candidate before it can be judged."""
    closest: Judgement | None = None
    """Of the least violation, where nobody keeps it."""

    @property
    def share(self) -> float | None:
        """Share of the judged candidates that keep it; None where none could be judged."""
        return self.kept / self.judged if self.judged else None


COSTS: Mapping[str, Callable[[Sampled], float]] = {
    "params": lambda c: c.profile.params,
    "macs": lambda c: c.profile.macs,
    "weight_bytes": lambda c: c.profile.weight_bytes,
    "peak_activation_bytes": lambda c: c.profile.peak_activation_bytes,
}
"""Costs whose ranges are told."""


def rates(indicator: Indicator, candidates: Sequence[Sampled]) -> tuple[Rate, ...]:
    """Count for every rule, in the order of the experiment."""
    return tuple(_rate(rule, candidates) for rule in indicator.rules)


def _rate(rule: Rule, candidates: Sequence[Sampled]) -> Rate:
    name, mode = rule.name, rule.mode
    found = [(c, j) for c in candidates for j in c.judgements if j.constraint == name]
    found = [(c, j) for c, j in found if j.ok is not None]
    broken = [(c, j) for c, j in found if j.ok is False]
    alone = sum(mode == "enforce" and c.excess == j.violation for c, j in broken)
    kept = len(found) - len(broken)
    closest = min((j for _, j in broken), key=lambda j: j.violation or 0.0, default=None)
    needs, nobody = rule.constraint.needs, None if kept else closest
    return Rate(name, mode, len(found), kept, alone, needs, nobody)


def binding(found: Sequence[Rate]) -> Rate | None:
    """Name the rule whose removal lets in the most candidates; None where none is broken.

    Where no candidate breaks one rule only, it is the one that the fewest keep.
    """
    enforced = [rate for rate in found if rate.mode == "enforce" and rate.kept < rate.judged]
    return max(enforced, key=lambda rate: (rate.alone, -rate.kept / rate.judged), default=None)


def ranges(candidates: Sequence[Sampled]) -> dict[str, Range]:
    """Give the range of every cost; empty without candidates."""
    return {name: _range([cost(c) for c in candidates]) for name, cost in COSTS.items()
            if candidates}  # fmt: skip


def _range(values: Sequence[float]) -> Range:
    return Range(min(values), median(values), max(values))


def share_interval(kept: int, of: int) -> tuple[float, float]:
    """Give the 95 % interval (Wilson's) of a share, between 0 and 1."""
    low, high = wilson_interval(100 * kept / of, of)
    return low / 100, high / 100
