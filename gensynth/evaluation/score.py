"""Universal performance functions U: arithmetic on what is known of a candidate."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, runtime_checkable

from gensynth.errors import PLUGIN_FAULTS, InputError
from gensynth.evaluation.class_measures import measured_balance
from gensynth.evaluation.constraint import Candidate, ConstraintError, Stage, raised
from gensynth.evaluation.latency import LatencyTable


class Score(Protocol):
    """How good a candidate is overall; a frozen dataclass. Higher is better."""

    needs: ClassVar[Stage]

    def __call__(self, candidate: Candidate, /) -> float:
        """Return the score of a candidate that is known up to the stage `needs`.

        Raises `ValueError` if no score exists, as at a top-1 of 0.
        """
        ...


@runtime_checkable
class HasUnit(Protocol):
    """A score whose numbers have a unit."""

    unit: ClassVar[str]
    """Such as `dB`, as it stands behind a number."""


def unit_of(score: Score) -> str:
    """Return the unit of a score; empty if it states none.

    >>> unit_of(NetScore()), unit_of(Accuracy())
    ('dB', 'points')
    """
    return score.unit if isinstance(score, HasUnit) else ""


def with_unit(value: float, unit: str, digits: int = 2) -> str:
    """Return a value in words.

    >>> with_unit(84.591, "points")
    '84.59 points'
    """
    return f"{value:.{digits}f} {unit}".rstrip()


def score_of(score: Score, candidate: Candidate) -> float | None:
    """Return the score of a candidate, or None if it has none.

    Raises `ConstraintError` if the plugin fails or its score is not a finite number.
    """
    try:
        found = float(score(candidate))  # Plugins return numpy's and torch's numbers, too.
    except ValueError:
        return None
    except PLUGIN_FAULTS as error:
        raise ConstraintError(f"score {type(score).__name__}: {raised(error)}") from error
    if not math.isfinite(found):
        raise ConstraintError(f"score {type(score).__name__}: returned {found}")
    return found


@dataclass(frozen=True)
class Accuracy:
    """The top-1 itself, in points: the most accurate network within the constraints."""

    needs: ClassVar[Stage] = "proxy"
    unit: ClassVar[str] = "points"

    def __call__(self, candidate: Candidate, /) -> float:
        """Return the validation top-1 of a trained candidate in percent."""
        if candidate.measurement is None:
            raise ValueError("the accuracy needs a trained candidate: its top-1 is not known")
        return candidate.measurement.top1


@dataclass(frozen=True)
class NetScore:
    """NetScore (Wong 2018, arXiv 1806.05512), in decibels.

    `U = 20 log10(a^alpha / (p^beta m^gamma))` with `a` top-1 in percent, `p` parameters in
    millions and `m` multiply-accumulates of one inference in billions.
    """

    needs: ClassVar[Stage] = "proxy"
    unit: ClassVar[str] = "dB"
    alpha: float = 2.0
    beta: float = 0.5
    gamma: float = 0.5

    def __call__(self, candidate: Candidate, /) -> float:
        """Return the NetScore of a trained candidate."""
        if candidate.measurement is None:
            raise ValueError("NetScore needs a trained candidate: its top-1 is not known")
        profile = candidate.profile
        if profile.uncounted:
            raise ValueError(f"its MACs are not all counted ({profile.not_known})")
        return self.of(candidate.measurement.top1, profile.params, profile.macs)

    def of(self, top1: float, params: float, macs: float) -> float:
        """Compute NetScore from top-1 in percent and counts of parameters and MACs, all > 0.

        >>> round(NetScore().of(75.9, 2_760_000, 344_000_000), 2)
        75.43
        """
        if not (0 < top1 <= 100 and params > 0 and macs > 0):
            raise ValueError(
                f"NetScore of top1={top1}, params={params}, macs={macs} does not exist"
            )
        return 20 * (
            self.alpha * math.log10(top1)
            - self.beta * math.log10(params / 1e6)
            - self.gamma * math.log10(macs / 1e9)
        )


@dataclass(frozen=True)
class NetScoreBalanced(NetScore):
    """NetScore with balanced accuracy in place of top-1, in decibels, for imbalanced classes.

    Before the classes are measured (a prediction, or a training under way) top-1 stands for it.
    """

    def __call__(self, candidate: Candidate, /) -> float:
        """Return the score of a trained candidate."""
        measured = candidate.measurement
        balanced = measured_balance(measured)
        if measured is None or balanced is None:
            return super().__call__(candidate)
        return super().__call__(replace(candidate, measurement=replace(measured, top1=balanced)))


@dataclass(frozen=True, kw_only=True)
class NetScoreLatency(LatencyTable):
    """NetScore with measured latency in place of multiply-accumulates, in decibels.

    `U = 20 log10(a^alpha / (p^beta r^gamma))` with `a` top-1 in percent, `p` parameters in
    millions and `r` the latency as a multiple of the reference's. Both are timed in one run, so `r`
    has no unit and does not depend on how busy the machine is. The form is that of NetScore
    (arXiv 1806.05512); latency in it is ours, and its decibels do not compare with NetScore's.
    """

    needs: ClassVar[Stage] = "proxy"
    unit: ClassVar[str] = "dB"
    reference: str
    """A MODEL: `timm:NAME`, `SPACE:PRESET`, `module:factory`, a genome file or an export."""
    alpha: float = 2.0
    beta: float = 0.5
    gamma: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        if not self.reference:
            raise InputError("reference", "must name a network")
        super().__post_init__()

    def timed_against(self) -> str:
        """Return the reference."""
        return self.reference

    def __call__(self, candidate: Candidate, /) -> float:
        """Return the score of a trained candidate whose latency was measured."""
        question = str(self.latency_question())
        latency = candidate.latencies.get(question)
        if candidate.measurement is None:
            raise ValueError("its top-1 is not known")
        if latency is None or latency.ratio is None:
            raise ValueError(f"its latency was not measured ({question})")
        return self.of(candidate.measurement.top1, candidate.profile.params, latency.ratio)

    def of(self, top1: float, params: float, ratio: float) -> float:
        """Compute the score from top-1 in percent, parameters and a ratio of latencies, all > 0."""
        if not (0 < top1 <= 100 and params > 0 and ratio > 0):
            raise ValueError(f"no score of top1={top1}, params={params}, ratio={ratio}")
        return 20 * (
            self.alpha * math.log10(top1)
            - self.beta * math.log10(params / 1e6)
            - self.gamma * math.log10(ratio)
        )
