"""Assessments on a terminal: a table of figures, and below it what else is to say."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gensynth.evaluation.constraint import Judgement
from gensynth.report.assessment import (
    COSTS,
    Assessment,
    cost_cells,
    figure_cells,
    known_figures,
)
from gensynth.report.terminal import console
from gensynth.report.words import count, some, verdicts

WIDE = 120
"""Width in characters of a wide table if it is not printed to a terminal."""


def wide_console() -> Console:
    """Return a console for tables that need more than the 80 characters of a file or a pipe."""
    printer = console()
    return printer if printer.is_terminal else console(width=WIDE)


def show(rows: Sequence[Assessment], title: str = "", explain: bool = True) -> None:
    """Print a table; `explain` adds why a constraint is broken."""
    printer = console()
    printer.print(table(rows, title))
    for row in rows:
        for line in _remarks(row, explain):
            printer.print(line, highlight=False)


def table(rows: Sequence[Assessment], title: str = "") -> Table:
    """Lay out costs, and those of top-1, score and value that are known of any row."""
    figures = known_figures(rows)
    made = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    made.add_column("model", overflow="fold")
    for heading in (*COSTS, *figures):
        made.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        # Beside the name, not in a column of its own: 80 characters hold no more of them.
        name = f"{escape(row.model)} [bold]{row.finals}[/]" if row.finals else escape(row.model)
        made.add_row(name, *cost_cells(row), *figure_cells(row)[: len(figures)])
    return made


def plain_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print words in columns: the first may be folded, the others are aligned to the right."""
    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for position, heading in enumerate(headings):
        first = position == 0
        made.add_column(heading, justify="left" if first else "right", overflow="fold")
    for row in rows:
        made.add_row(*map(escape, row))
    console().print(made)


def _remarks(row: Assessment, explain: bool) -> list[str]:
    said = [escape(row.note)] if row.note else []
    if row.judgements:
        said.insert(0, verdicts(row.judgements))
    lines = [f"  {words}" for words in said]
    if said:
        lines[0] = f"[bold]{escape(row.model)}[/]{lines[0]}"
    violated = [j for j in row.judgements if j.ok is False and explain]
    lines += [f"  {escape(_explanation(j))}" for j in violated]
    if row.profile and row.profile.uncounted:
        lines.append(f"  not counted: {escape(some(row.profile.uncounted))}")
    return [*lines, *(f"  {escape(line)}" for line in extra_lines(row))]


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
