"""Named points with intervals over a logarithmic axis, as one self-contained SVG file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from gensynth.report.chart import HEIGHT, LEFT, WIDTH, Axis, Scale
from gensynth.report.svg import element, picture

LETTER, LINE = 5.6, 11.0
"""Approximate width of a letter and height of a line of text, in pixels."""
GAP, REACH = 7.0, 4
"""Pixels between a point and its name, and the most half lines between them."""
STYLE = """svg { background: white; font: 11px sans-serif } .c-grid { stroke: #ddd }
.ours { fill: #b3261e; stroke: #b3261e } .other { fill: #35618e; stroke: #35618e }
text.ours, text.other { stroke: none } polyline.ours { fill: none; stroke: #b3261e }
polyline.other { fill: none; stroke: #35618e; stroke-dasharray: 3 3 }"""


@dataclass(frozen=True)
class Point:
    """A network: its cost, and its accuracy with an interval."""

    name: str
    across: float
    up: float
    low: float
    high: float
    ours: bool
    """The Pareto front of our networks is joined by a line."""
    family: str = ""
    """Networks of one family, such as the widths of one network, are joined by a line."""


def write_scatter(path: Path, points: Sequence[Point], across: str, upwards: str) -> None:
    """Draw the points with their names."""
    heights = [value for p in points for value in (p.low, p.high)]
    axes = Axis(across, logarithmic=True), Axis(upwards)
    scale = Scale.around([p.across for p in points], heights, *axes)
    parts = [element("style", STYLE), *scale.frame(), _front(scale, [p for p in points if p.ours])]
    for family in dict.fromkeys(p.family for p in points if p.family and not p.ours):
        members = [p for p in points if p.family == family and not p.ours]
        parts.append(_line(scale, members, "other"))
    for point, name in zip(points, _names(scale, points), strict=True):
        parts += _dot(scale, point, name)
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


@dataclass(frozen=True)
class _Box:
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "_Box") -> bool:
        """Whether two rectangles overlap."""
        apart = self.right <= other.left or other.right <= self.left
        return not (apart or self.bottom <= other.top or other.bottom <= self.top)


@dataclass(frozen=True)
class _Name:
    """A name beside its point: its start or end, and its middle height."""

    text: str
    x: float
    y: float
    leftwards: bool

    @property
    def box(self) -> _Box:
        """The approximate rectangle of the text."""
        width = LETTER * len(self.text)
        left = self.x - width if self.leftwards else self.x
        return _Box(left, self.y - LINE / 2, left + width, self.y + LINE / 2)

    @property
    def inside(self) -> bool:
        """Whether the text is within the frame."""
        return self.box.left >= LEFT and self.box.right <= WIDTH


def _names(scale: Scale, points: Sequence[Point]) -> list[_Name]:
    """Place each name beside its point so that it covers no other name or point.

    Names of our networks try the left side first, since nothing lies up and left of our front.
    """
    dots = [_around(scale.x(p.across), scale.y(p.up)) for p in points]
    placed: dict[int, _Name] = {}
    for k in sorted(range(len(points)), key=lambda k: -points[k].up):
        taken = [*(dot for j, dot in enumerate(dots) if j != k), *(n.box for n in placed.values())]
        ways = [way for way in _ways(scale, points[k]) if way.inside]
        free = (way for way in ways if not any(way.box.meets(box) for box in taken))
        placed[k] = next(free, ways[0])
    return [placed[k] for k in range(len(points))]


def _ways(scale: Scale, point: Point) -> list[_Name]:
    x, y = scale.x(point.across), scale.y(point.up)
    steps = sorted(range(-REACH, REACH + 1), key=abs)
    sides = (True, False) if point.ours else (False, True)
    return [
        _Name(point.name, x - GAP if left else x + GAP, y + step * LINE / 2, left)
        for step in steps
        for left in sides
    ]


def _around(x: float, y: float) -> _Box:
    return _Box(x - GAP / 2, y - GAP / 2, x + GAP / 2, y + GAP / 2)


def _dot(scale: Scale, point: Point, name: _Name) -> list[Element]:
    x, y = scale.x(point.across), scale.y(point.up)
    look = "ours" if point.ours else "other"
    low, high = scale.y(point.low), scale.y(point.high)
    anchor = "end" if name.leftwards else "start"
    return [
        element("line", class_=look, x1=x, x2=x, y1=low, y2=high),
        element("circle", class_=look, cx=x, cy=y, r=3.5),
        element("text", name.text, class_=look, text_anchor=anchor, x=name.x, y=name.y + 4),
    ]
