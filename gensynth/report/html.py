"""Tables and drawings as HTML for a notebook; whatever a name may hold is escaped."""

from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files

from gensynth.graph.graph import Graph
from gensynth.report.network_drawing import draw_network
from gensynth.report.network_layout import sketch


def drawing_html(graph: Graph) -> str:
    """Draw a network from its graph, block by block."""
    style = f"<style>.gensynth {{ {_colours()} }} {_rules()}</style>"
    return f'{style}<div class="gensynth">{_drawing(graph)}</div>'


def drawing_svg(graph: Graph) -> str:
    """Draw a network as a picture of its own, with the colours and the paper that it needs."""
    head, bracket, parts = _drawing(graph).partition(">")
    style = f"<style>svg {{ {_colours()} background: var(--paper); }}\n{_pictures()}</style>"
    return f"{head}{bracket}{style}{parts}"


def _drawing(graph: Graph) -> str:
    blocks = sketch(graph)
    label = f"The network's {len(blocks)} kinds of blocks, from the image to the class"
    return draw_network(blocks, label)


def table_html(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Write a table of plain words."""
    head = "".join(f'<th scope="col">{escape(word)}</th>' for word in headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def heading(words: str) -> str:
    """Write a heading."""
    return f"<b>{escape(words)}</b>"


@cache
def _colours() -> str:
    """Return the light colours of the report: a notebook's own are not known."""
    style = files("gensynth.report").joinpath("style.css").read_text(encoding="utf-8")
    return style.partition("{ color-scheme: light dark;")[2].partition("}")[0].strip()


@cache
def _rules() -> str:
    """Return the report's rules for pictures, for those within our own element only."""
    return "\n".join(_scoped(line) for line in _pictures().splitlines() if line.strip())


def _pictures() -> str:
    """Return the report's rules for pictures."""
    return files("gensynth.report").joinpath("pictures.css").read_text(encoding="utf-8")


def _scoped(line: str) -> str:
    rules = [rule.partition("{") for rule in line.split("}") if rule.strip()]
    return " ".join(
        ", ".join(f".gensynth {word.strip()}" for word in selectors.split(",")) + f" {{{body}}}"
        for selectors, _, body in rules
    )
