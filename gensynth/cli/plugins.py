"""`gensynth plugins`: the installed plugins, where they come from, and what failed to load."""

from rich.markup import escape
from rich.text import Text

import gensynth
from gensynth.cli.options import AsJson, print_json
from gensynth.report.columns import Columns
from gensynth.report.terminal import console
from gensynth.serialization import to_plain


def plugins(as_json: AsJson = False) -> None:
    """List the installed plugins of every kind."""
    rows = gensynth.installed_plugins()
    if as_json:
        print_json(to_plain(rows))
        return
    lines = [(row.kind.replace("_", " "), row.name, row.origin, row.target) for row in rows]
    printer = console()
    cells = [tuple(map(escape, line)) for line in lines]
    printer.print(Columns(("kind", "name", "from", "what"), cells, words=(0, 1, 2, 3)))
    for row in rows:
        if row.problem:
            printer.print(Text(f"{row.name}: {row.problem}", style="red"))
