"""Curves with bands as one SVG file, drawn without a plotting library."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 420, 70, 45, 15
COLOURS = ("#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e", "#7f7f7f", "#17becf")


@dataclass(frozen=True)
class Band:
    """A median with its quartiles over steps, all of shape (n,)."""

    name: str
    steps: NDArray[Any]
    low: NDArray[Any]
    middle: NDArray[Any]
    high: NDArray[Any]


def write_svg(path: Path, bands: Sequence[Band], across: str, upwards: str) -> None:
    """Draw the bands over common axes; the upper 60 % of all values are shown."""
    bands = [band for band in bands if len(band.steps)]
    values = np.concatenate([band.middle for band in bands])
    least, most = float(np.quantile(values, 0.05)), float(max(b.high.max() for b in bands))
    last = float(max(band.steps.max() for band in bands))

    def x(step: float) -> float:
        return LEFT + (WIDTH - LEFT - 130) * step / last

    def y(value: float) -> float:
        share = (min(max(value, least), most) - least) / max(most - least, 1e-12)
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share

    parts = [_frame(across, upwards, least, most, last, x, y)]
    for index, band in enumerate(bands):
        colour = COLOURS[index % len(COLOURS)]
        upper = [f"{x(s):.1f},{y(v):.1f}" for s, v in zip(band.steps, band.high, strict=True)]
        lower = [f"{x(s):.1f},{y(v):.1f}" for s, v in zip(band.steps, band.low, strict=True)]
        middle = [f"{x(s):.1f},{y(v):.1f}" for s, v in zip(band.steps, band.middle, strict=True)]
        area = " ".join([*upper, *reversed(lower)])
        parts.append(f'<polygon points="{area}" fill="{colour}" opacity="0.15"/>')
        line = f'fill="none" stroke="{colour}" stroke-width="2"'
        parts.append(f'<polyline points="{" ".join(middle)}" {line}/>')
        at = f'x="{WIDTH - 115}" y="{TOP + 20 + 20 * index}" fill="{colour}"'
        parts.append(f"<text {at}>{escape(band.name)}</text>")
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    style = 'font-family="sans-serif" font-size="13"'
    body = "\n".join(parts)
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n{body}\n</svg>\n')


def _frame(
    across: str, upwards: str, least: float, most: float, last: float, x: Any, y: Any
) -> str:
    parts = ['<rect width="100%" height="100%" fill="white"/>']
    for share in np.linspace(0, 1, 5):
        value, step = least + share * (most - least), share * last
        line = f'x1="{LEFT}" x2="{x(last):.1f}" y1="{y(value):.1f}" y2="{y(value):.1f}"'
        parts.append(f'<line {line} stroke="#ddd"/>')
        parts.append(f'<text x="5" y="{y(value) + 4:.1f}">{value:.5g}</text>')
        parts.append(f'<text x="{x(step) - 8:.1f}" y="{HEIGHT - 25}">{step:.0f}</text>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 5}">{escape(across)}; {escape(upwards)}</text>')
    return "\n".join(parts)
