"""`gensynth plugins`: what is installed, where it comes from, what failed to load."""

from rich.console import Console
from rich.table import Table

from gensynth.cli.options import AsJson
from gensynth.cli.rows import print_json
from gensynth.plain import to_plain


def plugins(as_json: AsJson = False) -> None:
    """List search spaces, constraints, scores and generators."""
    from gensynth.plugins import listed

    rows = listed()
    if as_json:
        print_json(to_plain(rows))
        return
    table = Table("kind", "name", "from", "what", "problem")
    for row in rows:
        kind = row.kind.replace("_", " ")
        table.add_row(kind, row.name, row.origin, row.target, f"[red]{row.problem}[/]")
    Console().print(table)
