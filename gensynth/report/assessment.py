"""What is known of one network: what it costs, what it reaches, and the verdicts on it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gensynth.evaluation.constraint import Judgement, broken
from gensynth.graph.columns import StageReport
from gensynth.graph.profile import Profile
from gensynth.serialization import to_plain

if TYPE_CHECKING:
    from gensynth.graph.graph import Graph


@dataclass(frozen=True)
class Assessment:
    """One network, as `check`, `score` and the tables of a campaign show it."""

    model: str
    """Its name."""
    profile: Profile | None = None
    """What it costs; None if it cannot be traced."""
    top1: float | None = None
    """Percent; None if unknown."""
    score: float | None = None
    """Its universal performance U in decibels; None if unknown or undefined."""
    judgements: tuple[Judgement, ...] = ()
    """The verdict of each constraint."""
    note: str = ""
    """Where a figure comes from, or why one is missing."""
    params: float | None = None
    """Parameters, if there is no profile."""
    macs: float | None = None
    """Multiply-accumulates, if there is no profile."""
    columns: tuple[StageReport, ...] | None = None
    """Its stages and their parallel columns; None if not examined."""
    value: float | None = None
    """The pursued value of a candidate: its score less the price of violated preferences."""
    finals: str = ""
    """How a candidate fared in the finals: `exported`, `holds`, `refuted` or `undecided`."""
    graph: "Graph | None" = None
    """The network layer by layer; None if not kept."""

    @property
    def ok(self) -> bool:
        """Whether the network could be traced and breaks no enforced constraint."""
        return self.profile is not None and not broken(self.judgements)

    def plain(self) -> dict[str, Any]:
        """Return the plain data that `--json` prints; unknown values are None."""
        known = {"params": self.params, "macs": self.macs}
        costs: Any = to_plain(self.profile) if self.profile else known
        keys = ("params", "macs", "weight_bytes", "peak_activation_bytes", "uncounted")
        row: dict[str, Any] = {"model": self.model} | {key: costs.get(key) for key in keys}
        row |= {"top1": self.top1, "score": self.score, "note": self.note}
        row["columns"] = None if self.columns is None else [to_plain(s) for s in self.columns]
        return row | {"verdicts": [_plain_verdict(j) for j in self.judgements]}

    def _repr_html_(self) -> str:
        from gensynth.report.html import assessment_html

        return assessment_html(self)


def _plain_verdict(judgement: Judgement) -> dict[str, Any]:
    return {
        "constraint": judgement.constraint,
        "mode": judgement.mode,
        "ok": judgement.ok,
        "violation": judgement.violation,
        "offenders": list(judgement.offenders),
        "reason": judgement.reason,
    }
