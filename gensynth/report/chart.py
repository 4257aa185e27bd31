"""Charts: networks as points, and the course of a search as lines.

No plotting library is used: their pages either have no tooltips, or need megabytes of script and
leave out keyboards and screen readers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from gensynth.report.svg import element, picture, titled

WIDTH, HEIGHT = 520.0, 340.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 12.0, 12.0, 40.0
TICKS = 5


@dataclass(frozen=True)
class Axis:
    """One axis of a chart."""

    words: str
    """Its label, with the unit."""
    logarithmic: bool = False


@dataclass(frozen=True)
class Point:
    """One network in a chart."""

    x: float
    y: float
    kind: str
    """How it is drawn: `feasible`, `broken`, `front`, `best`, `final` or `peer`."""
    tooltip: str
    """Shown on hover and on focus."""
    name: str = ""
    """Written beside it, if it is one of the larger points."""
    interval: tuple[float, float] | None = None
    """Of `y`, drawn as a line."""


@dataclass(frozen=True)
class Line:
    """One line in a chart, as steps from each x to the next."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    kind: str = "ours"
    """How it is drawn: `ours`, `other` or `faint`."""


def scatter(points: Sequence[Point], x: Axis, y: Axis, label: str) -> str:
    """Draw points; those of the front, the finals and the peers can be focused by keyboard."""
    scale = Scale.around([p.x for p in points], [p.y for p in points], x, y)
    parts = scale.frame()
    order = ("broken", "feasible", "front", "peer", "final", "best")
    for point in sorted(points, key=lambda p: order.index(p.kind)):
        cx, cy = scale.x(point.x), scale.y(point.y)
        small = point.kind in ("broken", "feasible")
        radius = 3.5 if small else 5.5
        dot = element("circle", r=radius, class_=f"p-{point.kind} pt", cx=cx, cy=cy)
        dot.set("data-tip", point.tooltip)
        # A point that handles focus is a tab stop unless it says otherwise.
        dot.set("tabindex", "-1" if small else "0")
        if not small:
            dot.set("role", "img")
            dot.set("aria-label", point.tooltip)
            parts += _beside(point, cx, cy, scale)
        parts.append(titled(dot, point.tooltip))
    return picture(WIDTH, HEIGHT, label, parts)


def _beside(point: Point, cx: float, cy: float, scale: "Scale") -> list[Element]:
    """Draw the interval of a point, within the chart, and its name."""
    parts = []
    if point.interval is not None:
        low, high = (
            min(max(scale.y(value), TOP), HEIGHT - BOTTOM) for value in sorted(point.interval)
        )
        parts.append(element("path", d=f"M{cx:.1f} {low:.1f}V{high:.1f}", class_="c-interval"))
    if point.name:
        place = {"x": cx + 8, "y": cy + 4}
        parts.append(element("text", point.name, class_="c-tick c-number", **place))
    return parts


def steps(lines: Sequence[Line], x: Axis, y: Axis, label: str, straight: bool = False) -> str:
    """Draw lines, each labelled at its end, as steps or from point to point."""
    xs = [value for line in lines for value in line.xs]
    ys = [value for line in lines for value in line.ys]
    scale = Scale.around(xs, ys, x, y)
    parts = scale.frame()
    for line in lines:
        path, last = "", ""
        for at, value in zip(line.xs, line.ys, strict=True):
            column, row = f"{scale.x(at):.1f}", f"{scale.y(value):.1f}"
            onwards = f"L{column} {row}" if straight else f"H{column}V{row}"
            path += onwards if last else f"M{column} {row}"
            last = row
        parts.append(element("path", d=path, class_=f"l-{line.kind}"))
        if last:
            place = {"x": WIDTH - RIGHT - 4, "y": float(last) - 5}
            kind = f"l-name l-name-{line.kind}"
            parts.append(element("text", line.name, class_=kind, text_anchor="end", **place))
    return picture(WIDTH, HEIGHT, label, parts)


@dataclass(frozen=True)
class Scale:
    """Maps values to positions."""

    low: tuple[float, float]
    high: tuple[float, float]
    axes: tuple[Axis, Axis]

    @classmethod
    def around(cls, xs: Sequence[float], ys: Sequence[float], x: Axis, y: Axis) -> "Scale":
        """Return a scale with a small margin around all values."""
        bounds = [_bounds(values, axis) for values, axis in ((xs, x), (ys, y))]
        return cls((bounds[0][0], bounds[1][0]), (bounds[0][1], bounds[1][1]), (x, y))

    def x(self, value: float) -> float:
        """Return the horizontal position of a value."""
        return LEFT + self._share(0, value) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Return the vertical position of a value."""
        return HEIGHT - BOTTOM - self._share(1, value) * (HEIGHT - TOP - BOTTOM)

    def _share(self, axis: int, value: float) -> float:
        value = math.log10(value) if self.axes[axis].logarithmic else value
        return (value - self.low[axis]) / (self.high[axis] - self.low[axis])

    def frame(self) -> list[Element]:
        """Draw the grid, its tick labels, and the labels of the axes."""
        parts: list[Element] = []
        for value in _ticks(self.low[1], self.high[1], self.axes[1]):
            path = f"M{LEFT:g} {self.y(value):.1f}H{WIDTH - RIGHT:g}"
            parts.append(element("path", d=path, class_="c-grid"))
            place = {"x": LEFT - 6, "y": self.y(value) + 4}
            parts.append(
                element("text", figure(value), class_="c-tick", text_anchor="end", **place)
            )
        for value in _ticks(self.low[0], self.high[0], self.axes[0]):
            place = {"x": self.x(value), "y": HEIGHT - BOTTOM + 15}
            words = figure(value)
            parts.append(element("text", words, class_="c-tick", text_anchor="middle", **place))
        middle = {"x": (LEFT + WIDTH - RIGHT) / 2, "y": HEIGHT - 6}
        words = self.axes[0].words
        parts.append(element("text", words, class_="c-axis", text_anchor="middle", **middle))
        side = element("text", self.axes[1].words, class_="c-axis", text_anchor="middle")
        side.set("transform", f"translate(12 {(TOP + HEIGHT - BOTTOM) / 2:g}) rotate(-90)")
        parts.append(side)
        return parts


def _bounds(values: Sequence[float], axis: Axis) -> tuple[float, float]:
    known = [math.log10(v) if axis.logarithmic else v for v in values] or [0.0, 1.0]
    low, high = min(known), max(known)
    room = 0.06 * (high - low) or 0.5
    return low - room, high + room


def _ticks(low: float, high: float, axis: Axis) -> list[float]:
    """Return round values within the bounds."""
    if not axis.logarithmic:
        return _even(low, high)
    powers = range(math.floor(low), math.ceil(high) + 1)
    for digits in ((1,), (1, 3), (1, 2, 5)):
        round_ones = [d * 10.0**p for p in powers for d in digits]
        found = [value for value in round_ones if low <= math.log10(value) <= high]
        if len(found) >= 3:
            return found
    return _even(10**low, 10**high)  # Within a decade there may be none of them.


def _even(low: float, high: float) -> list[float]:
    size = 10 ** math.floor(math.log10((high - low) / TICKS))
    size = next(size * m for m in (1, 2, 5, 10) if (high - low) / (size * m) <= TICKS)
    return [k * size for k in range(math.ceil(low / size), math.floor(high / size) + 1)]


def figure(value: float) -> str:
    """Write a value, with a decimal prefix if it is large."""
    for limit, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:g} {prefix}"
    return f"{value:.4g}"
