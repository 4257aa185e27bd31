"""Tables that stay readable on a narrow terminal: no word is broken, nothing is cut off.

A table is laid out in the first of these ways that fits the width: in columns; in columns whose
words are wrapped between words; with the name of each row above its figures; as `heading: figure`.
"""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

GAP = 2
"""Spaces between two columns."""
INDENT = 2
"""Spaces before the figures that stand below a name."""
WORD = 26
"""A column of words is at least as wide as its longest word of up to so many characters."""
_CONSOLE = Console(width=80, emoji=False)
"""Rich wants one to wrap a text; its width is not used."""


@dataclass(frozen=True)
class Columns:
    """Rows of cells under headings, for a rich console; cells are rich markup."""

    headings: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    words: tuple[int, ...] = (0,)
    """Positions of the columns that hold words: aligned to the left, wrapped if necessary. The
    others hold figures: aligned to the right, never wrapped."""
    title: str = ""

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(40, options.max_width), options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.title:
            yield Text(self.title, style="italic")
        head = tuple(Text(heading, style="bold") for heading in self.headings)
        rows = [[Text.from_markup(cell, emoji=False) for cell in row] for row in self.rows]
        yield from self._lines(head, rows, options.max_width)

    def _lines(
        self, head: Sequence[Text], rows: Sequence[Sequence[Text]], room: int
    ) -> Iterator[Text]:
        natural = _widths([head, *rows])
        wrapped = self._wrapped(natural, [head, *rows], room)
        if wrapped is not None:
            yield from _grid(head, rows, wrapped, self.words)
            return
        figures = [head[1:], *(row[1:] for row in rows)]
        below = tuple(position - 1 for position in self.words if position)
        narrow = self._wrapped(_widths(figures), figures, room - INDENT, below)
        for row in [head, *rows] if narrow is None else []:
            if row is not head:
                yield from _pairs(head, row, room)
        if narrow is not None:
            yield from _grid(figures[0], [], narrow, below, INDENT)
            for row, rest in zip(rows, figures[1:], strict=True):
                yield from _folded(row[0], room)
                yield from _grid((), [rest], narrow, below, INDENT)

    def _wrapped(
        self,
        natural: Sequence[int],
        cells: Sequence[Sequence[Text]],
        room: int,
        words: tuple[int, ...] | None = None,
    ) -> list[int] | None:
        """Return the widths of the columns in `room`, or None if words would be broken."""
        widths = list(natural)
        wraps = self.words if words is None else words
        # A name of many letters stands above its figures rather than being folded.
        least = {
            p: min(_longest_word(row[p] for row in cells), room if p == 0 else WORD) for p in wraps
        }
        over = sum(widths) + GAP * (len(widths) - 1) - room
        # The widest column of words gives way first.
        for position in sorted(least, key=lambda p: -widths[p]):
            less = min(max(over, 0), max(widths[position] - least[position], 0))
            widths[position] -= less
            over -= less
        return widths if over <= 0 else None


def _widths(rows: Sequence[Sequence[Text]]) -> list[int]:
    return [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]


def _longest_word(cells: "Iterator[Text]") -> int:
    """Return the length of the longest word."""
    return max((cell_len(word) for cell in cells for word in cell.plain.split()), default=0)


def _grid(
    head: Sequence[Text],
    rows: Sequence[Sequence[Text]],
    widths: Sequence[int],
    words: tuple[int, ...],
    indent: int = 0,
) -> Iterator[Text]:
    """Lay out a heading, a rule below it, and rows; one row may take several lines."""
    margin = " " * indent
    for row in [head] if head else []:
        yield from _row(row, widths, words, margin)
        length = sum(widths) + GAP * (len(widths) - 1)
        yield Text(margin + "\N{BOX DRAWINGS LIGHT HORIZONTAL}" * length)
    for row in rows:
        yield from _row(row, widths, words, margin)


def _row(
    cells: Sequence[Text], widths: Sequence[int], words: tuple[int, ...], margin: str
) -> Iterator[Text]:
    parts = [_wrap(cell, width) for cell, width in zip(cells, widths, strict=True)]
    for n in range(max(map(len, parts))):
        line = Text(margin)
        for position, (part, width) in enumerate(zip(parts, widths, strict=True)):
            cell = part[n] if n < len(part) else Text()
            space = " " * (width - cell.cell_len)
            line.append(" " * GAP if position else "")
            line.append_text(cell if position in words else Text(space) + cell)
            line.append(space if position in words else "")
        line.rstrip()
        yield line


def _wrap(cell: Text, width: int) -> list[Text]:
    """Break a cell between words; a word that is longer than the width is folded."""
    if cell.cell_len <= width:
        return [cell]
    return list(cell.wrap(_CONSOLE, max(width, 1)))


def _folded(name: Text, room: int) -> Iterator[Text]:
    for line in _wrap(name, room) if name.plain else ():
        line.stylize("bold")
        yield line


def _pairs(head: Sequence[Text], row: Sequence[Text], room: int) -> Iterator[Text]:
    """Write a row as its name and, below it, each heading with its figure."""
    yield from _folded(row[0], room)
    pairs = zip(head[1:], row[1:], strict=True)
    text = ", ".join(f"{h.plain}: {cell.plain.strip()}" for h, cell in pairs if cell.plain.strip())
    for line in textwrap.wrap(text, room - INDENT, break_long_words=False, break_on_hyphens=False):
        yield Text(" " * INDENT + line)
