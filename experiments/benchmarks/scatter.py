"""Named points with intervals over a logarithmic axis, as one SVG file that stands alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from gensynth.report.chart import HEIGHT, LEFT, WIDTH, Axis, Scale
from gensynth.report.svg import element, picture

NAME_WIDTH, LINE = 110.0, 11.0
"""Pixels that a name takes, about, and that a line of text does."""
STYLE = """svg { background: white; font: 11px sans-serif } .c-grid { stroke: #ddd }
.ours { fill: #b3261e; stroke: #b3261e } .other { fill: #35618e; stroke: #35618e }
text.ours, text.other { stroke: none } polyline.ours { fill: none; stroke: #b3261e }
polyline.other { fill: none; stroke: #35618e; stroke-dasharray: 3 3 }"""


@dataclass(frozen=True)
class Point:
    """A network: what it costs, what it reaches, with the interval of that."""

    name: str
    across: float
    up: float
    low: float
    high: float
    ours: bool
    """Ours are joined by a line where none is both cheaper and better."""
    family: str = ""
    """Others of one family, the same network at other widths, are joined by a line."""


def write_scatter(path: Path, points: Sequence[Point], across: str, upwards: str) -> None:
    """Draw the points, each with its name beside it."""
    heights = [value for p in points for value in (p.low, p.high)]
    axes = Axis(across, logarithmic=True), Axis(upwards)
    scale = Scale.around([p.across for p in points], heights, *axes)
    parts = [element("style", STYLE), *scale.frame(), _front(scale, [p for p in points if p.ours])]
    for family in dict.fromkeys(p.family for p in points if p.family and not p.ours):
        members = [p for p in points if p.family == family and not p.ours]
        parts.append(_line(scale, members, "other"))
    for point, height in zip(points, _heights(scale, points), strict=True):
        parts += _dot(scale, point, height)
    words = f"{upwards} over {across}, for {len(points)} networks"
    path.write_text(picture(WIDTH, HEIGHT, words, parts) + "\n", encoding="utf-8")


def _front(scale: Scale, points: Sequence[Point]) -> Element:
    front = [p for p in points if not any(_beats(q, p) for q in points)]
    return _line(scale, front, "ours")


def _line(scale: Scale, points: Sequence[Point], look: str) -> Element:
    ordered = sorted(points, key=lambda p: p.across)
    corners = " ".join(f"{scale.x(p.across):.1f},{scale.y(p.up):.1f}" for p in ordered)
    return element("polyline", class_=look, points=corners)


def _beats(one: Point, other: Point) -> bool:
    return one is not other and one.across <= other.across and one.up >= other.up


def _heights(scale: Scale, points: Sequence[Point]) -> list[float]:
    """Give each name a height near its point's, none over another's that begins nearby."""
    taken: list[tuple[float, float]] = []
    heights: dict[int, float] = {}
    for place in sorted(range(len(points)), key=lambda k: -points[k].up):
        x, y = scale.x(points[place].across), scale.y(points[place].up)
        for other_x, other_y in sorted(taken, key=lambda pair: pair[1]):
            if abs(other_x - x) < NAME_WIDTH and abs(other_y - y) < LINE:
                y = other_y + LINE
        taken.append((x, y))
        heights[place] = y
    return [heights[place] for place in range(len(points))]


def _dot(scale: Scale, point: Point, height: float) -> list[Element]:
    x, y = scale.x(point.across), scale.y(point.up)
    look = "ours" if point.ours else "other"
    low, high = scale.y(point.low), scale.y(point.high)
    free = 0.12 if point.ours else 0.7  # Up and left of our line there is nothing.
    leftwards = x > LEFT + free * (WIDTH - LEFT)
    anchor, beside = ("end", x - 7) if leftwards else ("start", x + 7)
    return [
        element("line", class_=look, x1=x, x2=x, y1=low, y2=high),
        element("circle", class_=look, cx=x, cy=y, r=3.5),
        element("text", point.name, class_=look, text_anchor=anchor, x=beside, y=height + 4),
    ]
