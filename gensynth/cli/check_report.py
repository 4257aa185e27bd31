"""What `gensynth check` found, network by network: verdicts, margins, layers, columns."""

from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from gensynth.evaluation.constraint import Judgement
from gensynth.graph.downsampling import judged_reductions
from gensynth.report.network_assessment import Assessment
from gensynth.report.tables import extra_lines, table
from gensynth.report.terminal import console
from gensynth.report.words import marked, some


def print_check(rows: Sequence[Assessment]) -> None:
    """Print a table of costs, then the findings on each network."""
    printer = console(highlight=False)
    printer.print(table(rows))
    for row in rows:
        printer.print(f"[bold]{escape(row.model)}[/]")
        printer.print(Padding(_findings(row), (0, 0, 1, 2)))


def _findings(row: Assessment) -> Table:
    """Lay out each finding as a word and its explanation."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    if row.note:
        grid.add_row("note", escape(row.note))
    for judgement in row.judgements:
        grid.add_row(marked(judgement), _explained(judgement))
    for i, line in enumerate(_stages(row)):
        grid.add_row("" if i else "columns", escape(line))
    if row.profile and row.profile.uncounted:
        grid.add_row("not counted", escape(some(row.profile.uncounted)))
    for i, line in enumerate(_reductions(row)):
        grid.add_row("" if i else "reductions", escape(line))
    if row.footprint:
        grid.add_row("TFLM", escape(row.footprint))
    for line in extra_lines(row):
        grid.add_row("also", escape(line))
    return grid


def _explained(judgement: Judgement) -> str:
    """Write the constraint, its margin, the reason, and on a new line the offending layers."""
    known = judgement.violation is not None
    margin = f", margin {0.0 - (judgement.violation or 0.0):+.2f}" if known else ""
    named = f"\nat {some(judgement.offenders)}" if judgement.offenders else ""
    return f"[bold]{judgement.constraint}[/]{margin}: " + escape(judgement.reason + named)


def _stages(row: Assessment) -> Iterator[str]:
    if row.columns is None:
        return
    if not row.columns:
        yield "no spatial convolutions"
    yield from map(str, row.columns)


def _reductions(row: Assessment) -> Iterator[str]:
    """Write each reduction with the reason of its judgement; those alike in one line."""
    alike: dict[str, list[str]] = {}
    for found in judged_reductions(row.graph) if row.graph else ():
        alike.setdefault(found.cause, []).append(row.graph.label(found.row) if row.graph else "")
    for cause, layers in alike.items():
        yield f"{cause}: {some(layers)}"
