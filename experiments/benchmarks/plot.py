"""Curves with bands, as one self-contained SVG file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gensynth.report.chart import HEIGHT, RIGHT, TOP, WIDTH, Axis, Scale
from gensynth.report.svg import element, picture

STYLE = "svg { background: white; font: 11px sans-serif } .c-grid { stroke: #ddd }"
COLOURS = ("#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e", "#7f7f7f", "#17becf")
LOWEST = 0.05
"""Quantile of all medians at which the chart begins: early values would flatten the rest."""


@dataclass(frozen=True)
class Band:
    """A median with its quartiles over steps, all of shape (n,)."""

    name: str
    steps: NDArray[Any]
    low: NDArray[Any]
    middle: NDArray[Any]
    high: NDArray[Any]


def write_svg(path: Path, bands: Sequence[Band], across: str, upwards: str) -> None:
    """Draw the bands over common axes, with their names in the lower right corner."""
    bands = [band for band in bands if len(band.steps)]
    least = float(np.quantile(np.concatenate([band.middle for band in bands]), LOWEST))
    heights = [least, *(float(band.high.max()) for band in bands)]
    steps = [float(step) for band in bands for step in band.steps]
    scale = Scale.around(steps, heights, Axis(across), Axis(upwards))
    parts = [element("style", STYLE), *scale.frame()]
    for index, band in enumerate(bands):
        colour = COLOURS[index % len(COLOURS)]

        def corners(values: NDArray[Any], band: Band = band) -> list[str]:
            places = zip(band.steps, np.maximum(values, least), strict=True)
            return [f"{scale.x(step):.1f},{scale.y(value):.1f}" for step, value in places]

        area = " ".join([*corners(band.high), *reversed(corners(band.low))])
        parts.append(element("polygon", points=area, fill=colour, opacity=0.15))
        line = " ".join(corners(band.middle))
        parts.append(element("polyline", points=line, fill="none", stroke=colour, stroke_width=2))
        place = {"x": WIDTH - RIGHT - 4, "y": HEIGHT / 2 + TOP + 14 * index}
        parts.append(element("text", band.name, fill=colour, text_anchor="end", **place))
    words = f"{upwards} over {across}: {', '.join(band.name for band in bands)}"
    path.write_text(picture(WIDTH, HEIGHT, words, parts) + "\n", encoding="utf-8")
