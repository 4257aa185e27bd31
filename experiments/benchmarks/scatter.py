"""Points with intervals over a logarithmic axis as one SVG file, without a plotting library."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM, TOP = 760, 460, 60, 150, 55, 20
OURS, OTHERS = "#b3261e", "#35618e"
STYLE = 'font-family="sans-serif" font-size="13"'


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


class _Axes:
    """From values to places in the picture."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.left = floor(10 * log10(min(p.across for p in points)) - 0.5) / 10
        self.right = ceil(10 * log10(max(p.across for p in points)) + 0.5) / 10
        self.least = floor(min(p.low for p in points) / 5) * 5
        self.most = ceil(max(p.high for p in points) / 5) * 5

    def x(self, value: float) -> float:
        share = (log10(value) - self.left) / (self.right - self.left)
        return LEFT + (WIDTH - LEFT - RIGHT) * share

    def y(self, value: float) -> float:
        share = (value - self.least) / (self.most - self.least)
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share


def write_scatter(path: Path, points: Sequence[Point], across: str, upwards: str) -> None:
    """Draw the points; a name stands at the right of each."""
    axes = _Axes(points)
    parts = ['<rect width="100%" height="100%" fill="white"/>', *_grid(axes)]
    front = [p for p in points if p.ours and not any(_beats(q, p) for q in points if q.ours)]
    corners = [f"{axes.x(p.across):.1f},{axes.y(p.up):.1f}" for p in sorted(front, key=_cost)]
    line = f'fill="none" stroke="{OURS}" stroke-width="1.5"'
    parts.append(f'<polyline points="{" ".join(corners)}" {line}/>')
    parts += [part for point in points for part in _dot(axes, point)]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle">{escape(across)}</text>'
    )
    turned = f'transform="translate(16,{HEIGHT / 2}) rotate(-90)" text-anchor="middle"'
    parts.append(f"<text {turned}>{escape(upwards)}</text>")
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    body = "\n".join(parts)
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" {size} {STYLE}>\n{body}\n</svg>\n')


def _cost(point: Point) -> float:
    return point.across


def _beats(one: Point, other: Point) -> bool:
    return one is not other and one.across <= other.across and one.up >= other.up


def _dot(axes: _Axes, point: Point) -> list[str]:
    x, colour = axes.x(point.across), OURS if point.ours else OTHERS
    ends = f'x1="{x:.1f}" x2="{x:.1f}" y1="{axes.y(point.low):.1f}" y2="{axes.y(point.high):.1f}"'
    at = f'x="{x + 8:.1f}" y="{axes.y(point.up) + 4:.1f}" fill="{colour}" font-size="12"'
    return [
        f'<line {ends} stroke="{colour}" stroke-width="1.5"/>',
        f'<circle cx="{x:.1f}" cy="{axes.y(point.up):.1f}" r="4" fill="{colour}"/>',
        f"<text {at}>{escape(point.name)}</text>",
    ]


def _grid(axes: _Axes) -> list[str]:
    parts = []
    for value in range(int(axes.least), int(axes.most) + 1, 5):
        y = axes.y(value)
        ends = f'x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"'
        parts.append(f'<line {ends} stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value}</text>')
    for value in (m * 10**e for e in range(-3, 4) for m in (1, 2, 5)):
        if axes.left <= log10(value) <= axes.right:
            x = axes.x(value)
            ends = f'x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"'
            parts.append(f'<line {ends} stroke="#eee"/>')
            at = f'x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle"'
            parts.append(f"<text {at}>{value:g}</text>")
    return parts
