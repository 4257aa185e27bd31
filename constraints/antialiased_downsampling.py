"""Anti-aliased downsampling (AADS): whoever subsamples a map has filtered it before."""

from dataclasses import dataclass
from typing import ClassVar

from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage, Verdict
from gensynth.graph.downsampling import judged_reductions


@dataclass(frozen=True)
class AntialiasedDownsampling:
    """At least `min_share` of the spatial reductions see a low-pass filter.

    The network's first convolution is exempt. A reduction is judged by what it does to a map (see
    `gensynth.graph.downsampling`), whatever it is called or however it is written: a mean or a blur
    at the stride passes, a strided learned convolution or a strided maximum does not. Learned
    weights may become a low-pass filter in training; nothing before it guarantees that, so they do
    not pass. A network that never reduces its maps after the first convolution passes.
    """

    needs: ClassVar[Stage] = "graph"
    min_share: float = 1.0
    """Above 0, at most 1."""

    def __post_init__(self) -> None:
        if not 0 < self.min_share <= 1:
            raise InputError("min_share", f"must be above 0 and at most 1, got {self.min_share}")

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Judge the reductions; the offenders are those that alias."""
        graph = candidate.graph
        if graph.unknown:
            return Verdict.not_judged(graph.not_known)
        found = judged_reductions(graph)
        if not found:
            words = "no reductions after the first convolution: nothing to judge"
            return Verdict.at_most_zero(0, words)
        unclear = [reduction for reduction in found if reduction.filtered is None]
        aliased = [reduction.row for reduction in found if reduction.filtered is False]
        share = 1 - len(aliased) / len(found)
        sure = share - len(unclear) / len(found)
        if sure < self.min_share <= share:  # What cannot be judged decides.
            return Verdict.not_judged(f"{unclear[0].cause}, at {graph.label(unclear[0].row)}")
        reason = (
            f"{len(found) - len(aliased) - len(unclear)} of {len(found)} reductions are low-pass "
            f"filtered, at least {self.min_share:.0%} wanted"
        )
        reason += f"; {len(unclear)} cannot be judged" if unclear else ""
        known = sure if sure >= self.min_share else share
        return Verdict.at_most_zero(
            1 - known / self.min_share, reason, [graph.label(row) for row in aliased]
        )
