"""What every command shows of a network: one row, as JSON or in a table."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from gensynth.constraint import Judgement
from gensynth.plain import to_plain
from gensynth.profile import Profile

NAMED = 8
"""Layers that are named; the others are counted."""


@dataclass(frozen=True)
class Row:
    """One network: what it costs, what it reaches, and the verdicts on it."""

    model: str
    profile: Profile | None = None
    top1: float | None = None
    score: float | None = None
    judgements: tuple[Judgement, ...] = ()
    note: str = ""

    def plain(self) -> dict[str, Any]:
        """Give the row as `--json` prints it; what is not known is null."""
        costs = to_plain(self.profile) if self.profile else {}
        assert isinstance(costs, dict)
        keys = ("params", "macs", "weight_bytes", "peak_activation_bytes", "uncounted")
        row: dict[str, Any] = {"model": self.model} | {key: costs.get(key) for key in keys}
        row |= {"top1": self.top1, "score": self.score, "note": self.note}
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


def show_rows(rows: Sequence[Row], as_json: bool, title: str = "") -> None:
    """Print rows: JSON for programs, a table for people."""
    if as_json:
        print_json([row.plain() for row in rows])
        return
    console = Console()
    console.print(_table(rows, title))
    for row in rows:
        for line in _remarks(row):
            console.print(line, highlight=False)


def print_json(data: Any) -> None:
    """Print plain data as JSON on standard output, and nothing else."""
    print(json.dumps(data, indent=2, allow_nan=False))


def _table(rows: Iterable[Row], title: str) -> Table:
    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("model", overflow="fold")
    for heading in ("params", "MACs", "weights", "activations", "top-1 %", "score dB"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row.model, *_costs(row.profile), *_figures(row))
    return table


def _costs(profile: Profile | None) -> list[str]:
    if profile is None:
        return ["-"] * 4
    return [
        count(profile.params),
        count(profile.macs),
        count(profile.weight_bytes) + "B",
        count(profile.peak_activation_bytes) + "B",
    ]


def _figures(row: Row) -> list[str]:
    return [
        "-" if row.top1 is None else f"{row.top1:.2f}",
        "-" if row.score is None else f"{row.score:.2f}",
    ]


def count(number: float) -> str:
    """Write a count with three or four digits and a decimal prefix, e.g. `2.377 M`."""
    for limit, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.4g} {prefix}"
    return f"{number:.0f} "


def verdicts(judgements: Iterable[Judgement]) -> str:
    """Write the verdicts in a few words, with colours for a terminal."""
    words: dict[str, list[str]] = {}
    for j in judgements:
        broken = "[red]broken[/]" if j.mode == "enforce" else "[yellow]not kept[/]"
        known = {True: "[green]ok[/]", None: "[yellow]not judged[/]"}
        words.setdefault(known.get(j.ok, broken), []).append(j.constraint)
    return "; ".join(f"{word}: {', '.join(names)}" for word, names in words.items())


def _remarks(row: Row) -> list[str]:
    lines = [f"[bold]{row.model}[/]  {row.note}"] if row.note else []
    if row.judgements:
        lines.append(f"[bold]{row.model}[/]  {verdicts(row.judgements)}")
    lines += [f"  {_explanation(j)}" for j in row.judgements if j.ok is False]
    if row.profile and row.profile.uncounted:
        lines.append(f"  not counted: {_some(row.profile.uncounted)}")
    return lines


def _explanation(judgement: Judgement) -> str:
    named = _some(judgement.offenders)
    return f"{judgement.constraint}: {judgement.reason}" + (f": {named}" if named else "")


def _some(words: Sequence[str]) -> str:
    more = f" and {len(words) - NAMED} more" if len(words) > NAMED else ""
    return ", ".join(words[:NAMED]) + more
