"""What every command shows of a network: one row, as JSON or in a table."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gensynth.evaluation.constraint import Judgement
from gensynth.graph.columns import StageReport
from gensynth.graph.profile import Profile
from gensynth.serialization import to_plain

NAMED = 8
"""Layers that are named; the others are counted."""
WIDE = 120
"""Characters of a line of a wide table where no terminal says."""


def wide_console() -> Console:
    """Give a console for tables that need more than the 80 characters of a file or a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDE)


@dataclass(frozen=True)
class Row:
    """One network: what it costs, what it reaches, and the verdicts on it."""

    model: str
    profile: Profile | None = None
    top1: float | None = None
    score: float | None = None
    judgements: tuple[Judgement, ...] = ()
    note: str = ""
    params: int | None = None
    """Where there is no profile."""
    macs: int | None = None
    """Where there is no profile."""
    columns: tuple[StageReport, ...] | None = None
    """The stages of a network whose columns were asked for."""
    value: float | None = None
    """The pursued value of a candidate: its score less what violated preferences cost."""
    finals: str = ""
    """What the finals made of a candidate, in a word: `exported`, `refuted`."""

    def plain(self) -> dict[str, Any]:
        """Give the row as `--json` prints it; what is not known is null."""
        known = {"params": self.params, "macs": self.macs}
        costs: Any = to_plain(self.profile) if self.profile else known
        keys = ("params", "macs", "weight_bytes", "peak_activation_bytes", "uncounted")
        row: dict[str, Any] = {"model": self.model} | {key: costs.get(key) for key in keys}
        row |= {"top1": self.top1, "score": self.score, "note": self.note}
        row["columns"] = None if self.columns is None else [to_plain(s) for s in self.columns]
        return row | {"verdicts": [_plain_verdict(j) for j in self.judgements]}


def _plain_verdict(judgement: Judgement) -> dict[str, Any]:
    return {
        "constraint": judgement.constraint,
        "mode": judgement.mode,
        "ok": judgement.ok,
        "violation": judgement.violation,
        "offenders": list(judgement.offenders),
        "reason": judgement.reason,
    }


def show_rows(rows: Sequence[Row], as_json: bool, title: str = "", explain: bool = True) -> None:
    """Print rows: JSON for programs, a table for people; `explain` says what broke a rule."""
    if as_json:
        print_json([row.plain() for row in rows])
        return
    console = Console()
    console.print(table(rows, title))
    for row in rows:
        for line in _remarks(row, explain):
            console.print(line, highlight=False)


def print_json(data: Any) -> None:
    """Print plain data as JSON on standard output, and nothing else."""
    print(json.dumps(data, indent=2, allow_nan=False))


def table(rows: Sequence[Row], title: str = "") -> Table:
    """Lay out what rows cost, and what they reach as far as that is known of any."""
    figures = _known_figures(rows)
    made = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    made.add_column("model", overflow="fold")
    for heading in (*_COSTS, *figures):
        made.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        # Beside the name, not a column: 80 characters hold no more of them.
        name = f"{escape(row.model)} [bold]{row.finals}[/]" if row.finals else escape(row.model)
        made.add_row(name, *_costs(row), *_figures(row)[: len(figures)])
    return made


_COSTS = ("params", "MACs", "weights", "activations")
_FIGURES = ("top-1 %", "score dB", "value dB")


def _known_figures(rows: Sequence[Row]) -> tuple[str, ...]:
    """Leave out what is known of no row; the value says nothing where it is the score."""
    if any(row.value != row.score for row in rows if row.value is not None):
        return _FIGURES
    return _FIGURES[:2] if any(row.top1 is not None for row in rows) else ()


def _costs(row: Row) -> list[str]:
    if row.profile is None:
        return ["-" if n is None else count(n) for n in (row.params, row.macs)] + ["-", "-"]
    return [
        count(row.profile.params),
        count(row.profile.macs),
        count(row.profile.weight_bytes) + "B",
        count(row.profile.peak_activation_bytes) + "B",
    ]


def _figures(row: Row) -> list[str]:
    return [
        "-" if row.top1 is None else f"{row.top1:.2f}",
        "-" if row.score is None else f"{row.score:.2f}",
        "-" if row.value is None else f"{row.value:.2f}",
    ]


def count(number: float) -> str:
    """Write a count with three or four digits and a decimal prefix, e.g. `2.377 M`."""
    for limit, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.4g} {prefix}"
    return f"{number:.0f} "


def two_digits(number: float) -> str:
    """Round to two digits, without an exponent below a million, e.g. `1,800`."""
    rounded = float(f"{number:.2g}")
    return f"{rounded:,.0f}" if 100 <= rounded < 1e6 else f"{number:.2g}"


def duration(seconds: float) -> str:
    """Write seconds with two digits in the unit that suits them, e.g. `2.8 min`."""
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            number = seconds / size
            return f"{number:.2g} {unit}" if number < 10 else f"{number:.0f} {unit}"
    return f"{seconds / 86_400:.1f} days"


def verdicts(judgements: Iterable[Judgement]) -> str:
    """Write the verdicts in a few words, with colours for a terminal."""
    words: dict[str, list[str]] = {}
    for j in judgements:
        broken = "[red]broken[/]" if j.mode == "enforce" else "[yellow]not kept[/]"
        known = {True: "[green]ok[/]", None: "[yellow]not judged[/]"}
        words.setdefault(known.get(j.ok, broken), []).append(j.constraint)
    return "; ".join(f"{word}: {', '.join(names)}" for word, names in words.items())


def _remarks(row: Row, explain: bool) -> list[str]:
    said = [escape(row.note)] if row.note else []
    if row.judgements:
        said.insert(0, verdicts(row.judgements))
    lines = [f"  {words}" for words in said]
    if said:
        lines[0] = f"[bold]{escape(row.model)}[/]{lines[0]}"
    told = [j for j in row.judgements if j.ok is False and explain]
    lines += [f"  {escape(_explanation(j))}" for j in told]
    if row.profile and row.profile.uncounted:
        lines.append(f"  not counted: {escape(some(row.profile.uncounted))}")
    return lines


def _explanation(judgement: Judgement) -> str:
    named = some(judgement.offenders)
    return f"{judgement.constraint}: {judgement.reason}" + (f": {named}" if named else "")


def some(words: Sequence[str]) -> str:
    """List the first few words, and count the others."""
    more = f" and {len(words) - NAMED} more" if len(words) > NAMED else ""
    return ", ".join(words[:NAMED]) + more
