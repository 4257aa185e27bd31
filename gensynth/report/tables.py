"""Assessments on a terminal: a table of figures, and below it what else is to say."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from gensynth.evaluation.constraint import Judgement
from gensynth.report.columns import Columns
from gensynth.report.network_assessment import (
    COSTS,
    Assessment,
    cost_cells,
    figure_cells,
    known_figures,
)
from gensynth.report.terminal import console
from gensynth.report.words import count, some, verdicts

HANG = 2
"""Characters by which the continuations of a line are indented."""


def show(rows: Sequence[Assessment], title: str = "", explain: bool = True) -> None:
    """Print a table, and what else is to say once for all rows of which it is true.

    `explain` adds why a constraint is broken.
    """
    printer = console()
    printer.print(table(rows, title))
    alike: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        alike.setdefault(tuple(_remarks(row, explain)), []).append(escape(row.model))
    for (first, *others), models in ((lines, who) for lines, who in alike.items() if lines):
        named = "all" if len(alike) == 1 < len(rows) else some(models)
        _hang(printer, f"[bold]{named}[/]  {first}", 0)
        for line in others:
            _hang(printer, line, 2)


def _hang(printer: Console, line: str, indent: int) -> None:
    """Print a line whose continuations are indented below it, so that its beginning stands out."""
    text = Text.from_markup(line, emoji=False)
    wrapped = text.wrap(printer, printer.width - indent - HANG)
    for place, part in enumerate(wrapped):
        part.rstrip()
        printer.print(Text(" " * (indent + (HANG if place else 0))) + part, highlight=False)


def table(rows: Sequence[Assessment], title: str = "") -> Columns:
    """Lay out costs, and those of top-1, score and value that are known of any row."""
    figures = known_figures(rows)
    cells = []
    for row in rows:
        # Beside the name, not in a column of its own: 80 characters hold no more of them.
        name = f"{escape(row.model)} [bold]{row.finals}[/]" if row.finals else escape(row.model)
        cells.append((name, *cost_cells(row), *figure_cells(row)[: len(figures)]))
    return Columns(("model", *COSTS, *figures), cells, title=title)


def plain_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print words in columns: the first is aligned to the left, the others to the right."""
    cells = [tuple(map(escape, row)) for row in rows]
    console().print(Columns(tuple(map(escape, headings)), cells))


def _remarks(row: Assessment, explain: bool) -> list[str]:
    lines = [verdicts(row.judgements)] if row.judgements else []
    lines += [escape(row.note)] if row.note else []
    violated = [j for j in row.judgements if j.ok is False and explain]
    lines += [escape(_explanation(j)) for j in violated]
    if row.profile and row.profile.uncounted:
        lines.append(f"not counted: {escape(some(row.profile.uncounted))}")
    return [*lines, *(escape(line) for line in extra_lines(row))]


def extra_lines(row: Assessment) -> list[str]:
    """Return what the table does not show: attention, unread parameters, other counters."""
    lines = []
    if row.profile and row.profile.matmul_macs:
        macs = count(row.profile.matmul_macs).strip()
        lines.append(f"products of two activations: {macs} MACs, not part of the count")
    if row.profile and row.profile.unread:
        lines.append(f"stored, but not read by this image: {some(row.profile.unread)}")
    for opinion in row.opinions or ():
        words = row.differences[opinion.counter] or "agrees"
        total = "" if opinion.problem else f" {count(opinion.total).strip()} MACs,"
        lines.append(f"{opinion.counter}:{total} {words}")
    return lines


def _explanation(judgement: Judgement) -> str:
    named = some(judgement.offenders)
    return f"{judgement.constraint}: {judgement.reason}" + (f": {named}" if named else "")
