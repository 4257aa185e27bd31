"""`gensynth boards`: the microcontroller boards that a network can be checked against."""

from rich.markup import escape
from rich.text import Text

import gensynth
from gensynth.cli.options import AsJson, print_json
from gensynth.report.columns import Columns
from gensynth.report.terminal import console
from gensynth.serialization import to_plain


def boards(as_json: AsJson = False) -> None:
    """List the microcontroller boards that are known.

    `gensynth check MODEL --board NAME` tells whether a network fits one. RAM is
    the largest block without gaps; --json adds where the maker states it.
    """
    rows = gensynth.boards()
    if as_json:
        print_json(to_plain(rows))
        return
    cells = [
        (
            escape(row.name),
            escape(row.core),
            f"{row.clock_mhz} MHz",
            f"{row.ram_bytes // 1024:,} KiB",
            f"{row.flash_bytes // 1024:,} KiB",
        )
        for row in rows
    ]
    printer = console()
    printer.print(Columns(("board", "core", "clock", "RAM", "flash"), cells, words=(0, 1)))
    printer.print(Text("int8: gensynth check MODEL --board NAME"))
