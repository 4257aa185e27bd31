"""What is known of one network: what it costs, what it reaches, and the verdicts on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from gensynth.evaluation.constraint import Judgement, broken
from gensynth.graph.columns import StageReport
from gensynth.graph.downsampling import judged_reductions
from gensynth.graph.graph import Graph
from gensynth.graph.profile import Profile
from gensynth.graph.second_opinions import Opinion, difference
from gensynth.report.html import drawing_html, heading, table_html
from gensynth.report.words import count
from gensynth.serialization import to_plain
from gensynth.tflm.footprint import PRECISIONS, Footprint, footprint_of, footprint_words

COSTS = ("params", "MACs", "weights", "activations")
_PLAIN = (
    "params",
    "macs",
    "weight_bytes",
    "peak_activation_bytes",
    "uncounted",
    "matmul_macs",
    "unread",
)


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
    """Its universal performance U; None if unknown or undefined."""
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
    """How a candidate fared in the finals: `exported`, `holds`, `refuted`, `passed over`..."""
    graph: Graph | None = None
    """The network layer by layer; None if not kept."""
    unit: str = "dB"
    """Unit of the score and of the value."""
    opinions: tuple[Opinion, ...] | None = None
    """What other counters say; None if they were not asked."""

    @property
    def ok(self) -> bool:
        """Whether the network could be traced and breaks no enforced constraint."""
        return self.profile is not None and not broken(self.judgements)

    def plain(self) -> dict[str, Any]:
        """Return the plain data that `--json` prints; unknown values are None."""
        known = {"params": self.params, "macs": self.macs}
        costs: Any = to_plain(self.profile) if self.profile else known
        row: dict[str, Any] = {"model": self.model} | {key: costs.get(key) for key in _PLAIN}
        if self.profile and self.profile.uncounted:  # What is counted is only a lower bound.
            row |= {"macs": None, "peak_activation_bytes": None}
            row |= {"macs_at_least": self.profile.macs}
        row |= {"top1": self.top1, "score": self.score, "note": self.note}
        row["columns"] = None if self.columns is None else [to_plain(s) for s in self.columns]
        row["reductions"] = None if self.graph is None else _plain_reductions(self.graph)
        row["tflm"] = None if self.graph is None else _plain_footprints(self.graph)
        row["opinions"] = None if self.opinions is None else self._plain_opinions()
        return row | {"verdicts": [_plain_verdict(j) for j in self.judgements]}

    @property
    def footprint(self) -> str:
        """What it takes under TensorFlow Lite Micro, in words; empty if its graph is not kept."""
        return "" if self.graph is None else footprint_words(self.graph)

    def _plain_opinions(self) -> list[dict[str, Any]]:
        return [
            {
                "counter": opinion.counter,
                "macs": None if opinion.problem else opinion.total,
                "by_operator": dict(opinion.macs),
                "uncounted": dict(opinion.uncounted),
                "difference": self.differences[opinion.counter],
            }
            for opinion in self.opinions or ()
        ]

    @property
    def differences(self) -> dict[str, str]:
        """How each counter's total differs from ours, and why; empty if they agree."""
        if self.opinions is None or self.profile is None:
            return {}
        return {opinion.counter: difference(opinion, self.profile) for opinion in self.opinions}

    def _repr_html_(self) -> str:
        parts = [heading(self.model), assessments_html([self])]
        parts += [f"<div>{judgement._repr_html_()}</div>" for judgement in self.judgements]
        parts += [f"<div>{escape(self.note)}</div>"] if self.note else []
        parts += [drawing_html(self.graph)] if self.graph else []
        return "".join(parts)


def assessments_html(rows: "Sequence[Assessment]") -> str:
    """Write several networks as a table for a notebook."""
    figures = known_figures(rows)
    names = [f"{row.model} ({row.finals})" if row.finals else row.model for row in rows]
    cells = [
        [name, *cost_cells(row), *figure_cells(row)[: len(figures)]]
        for name, row in zip(names, rows, strict=True)
    ]
    return table_html(("model", *COSTS, *figures), cells)


def known_figures(rows: Sequence[Assessment]) -> tuple[str, ...]:
    """Return the headings of figures known of any row; the value only if it is not the score."""
    unit = rows[0].unit if rows else ""
    figures = ("top-1 %", f"score {unit}".rstrip(), f"value {unit}".rstrip())
    if any(row.value != row.score for row in rows if row.value is not None):
        return figures
    if all(row.score == row.top1 for row in rows):
        return figures[:1] if any(row.top1 is not None for row in rows) else ()
    return figures[:2]


def cost_cells(row: Assessment) -> list[str]:
    """Write the four costs of a row, `-` for an unknown one."""
    if row.profile is None:
        return ["-" if n is None else count(n) for n in (row.params, row.macs)] + ["-", "-"]
    least = ">=" if row.profile.uncounted else ""
    return [
        count(row.profile.params),
        least + count(row.profile.macs),
        count(row.profile.weight_bytes) + "B",
        least + count(row.profile.peak_activation_bytes) + "B",
    ]


def figure_cells(row: Assessment) -> list[str]:
    """Write top-1, score and value of a row, `-` for an unknown one."""
    return ["-" if n is None else f"{n:.2f}" for n in (row.top1, row.score, row.value)]


def _plain_reductions(graph: Graph) -> list[dict[str, Any]]:
    return [
        {
            "layer": graph.label(found.row),
            "filtered": found.filtered,
            "skips": found.skips,
            "cause": found.cause,
        }
        for found in judged_reductions(graph)
    ]


def _plain_footprints(graph: Graph) -> dict[str, dict[str, int] | None]:
    """Return the bytes that a network takes under TensorFlow Lite Micro, by precision."""
    return {precision: _plain_footprint(footprint_of(graph, precision)) for precision in PRECISIONS}


def _plain_footprint(found: Footprint | None) -> dict[str, int] | None:
    if found is None:
        return None
    names = ("head_bytes", "arena_bytes", "model_bytes")
    return {name: getattr(found, name) for name in names}


def _plain_verdict(judgement: Judgement) -> dict[str, Any]:
    return {
        "constraint": judgement.constraint,
        "mode": judgement.mode,
        "ok": judgement.ok,
        "violation": judgement.violation,
        "offenders": list(judgement.offenders),
        "reason": judgement.reason,
    }
