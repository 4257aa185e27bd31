"""How many candidates keep each constraint, and which constraint is the binding one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from gensynth.evaluation.confidence import wilson_interval
from gensynth.evaluation.constraint import Indicator, Judgement, Mode, Rule, Stage
from gensynth.feasibility.sample import Sampled


@dataclass(frozen=True)
class Range:
    """Minimum, median and maximum of a cost."""

    least: float
    median: float
    most: float


@dataclass(frozen=True)
class Rate:
    """How many candidates keep one constraint."""

    rule: str
    mode: Mode
    judged: int
    """Candidates that it could judge before training."""
    kept: int
    """Candidates of those that keep it."""
    alone: int
    """Candidates that break only this enforced constraint: its removal would admit them."""
    needs: Stage
    """The stage that a candidate must have reached to be judged."""
    closest: Judgement | None = None
    """The verdict of the least violation, if no candidate keeps it."""

    @property
    def share(self) -> float | None:
        """Share of the judged candidates that keep it; None if none could be judged."""
        return self.kept / self.judged if self.judged else None


COSTS: Mapping[str, Callable[[Sampled], float]] = {
    "params": lambda c: c.profile.params,
    "macs": lambda c: c.profile.macs,
    "weight_bytes": lambda c: c.profile.weight_bytes,
    "peak_activation_bytes": lambda c: c.profile.peak_activation_bytes,
}
"""The costs whose ranges are reported."""


def rates(indicator: Indicator, candidates: Sequence[Sampled]) -> tuple[Rate, ...]:
    """Return a rate for every constraint, in the order of the experiment."""
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
    """Return the constraint whose removal would admit the most candidates; None if none is broken.

    If no candidate breaks exactly one constraint, this is the one that the fewest keep.
    """
    enforced = [rate for rate in found if rate.mode == "enforce" and rate.kept < rate.judged]
    return max(enforced, key=lambda rate: (rate.alone, -rate.kept / rate.judged), default=None)


def ranges(candidates: Sequence[Sampled]) -> dict[str, Range]:
    """Return the range of every cost; empty without candidates."""
    return {name: _range([cost(c) for c in candidates]) for name, cost in COSTS.items()
            if candidates}  # fmt: skip


def _range(values: Sequence[float]) -> Range:
    return Range(min(values), median(values), max(values))


def share_interval(kept: int, of: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share, between 0 and 1."""
    low, high = wilson_interval(100 * kept / of, of)
    return low / 100, high / 100
