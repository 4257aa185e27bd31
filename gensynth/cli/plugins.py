"""`gensynth plugins`: the installed plugins, where they come from, and what failed to load."""

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

import gensynth
from gensynth.cli.options import AsJson, print_json
from gensynth.report.terminal import console
from gensynth.serialization import to_plain


def plugins(as_json: AsJson = False) -> None:
    """List the installed plugins of every kind."""
    rows = gensynth.installed_plugins()
    if as_json:
        print_json(to_plain(rows))
        return
    lines = [(row.kind.replace("_", " "), row.name, row.origin, row.target) for row in rows]
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for position, heading in enumerate(("kind", "name", "from")):
        # Names are typed by the user, so only the last column wraps in a narrow terminal.
        table.add_column(heading, min_width=max((len(line[position]) for line in lines), default=0))
    table.add_column("what", overflow="fold")
    for line in lines:
        table.add_row(*line)
    printer = console()
    printer.print(table)
    for row in rows:
        if row.problem:
            printer.print(Text(f"{row.name}: {row.problem}", style="red"))
