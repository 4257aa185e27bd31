"""A drawing of a network: blocks from top to bottom, lanes and columns side by side."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from gensynth.report.network_layout import TIMES, Block, Strip
from gensynth.report.svg import element, picture, titled

WIDTH, LEFT, RIGHT = 480.0, 128.0, 36.0
STRIP, GAP, PAD, ARROW, JOIN = 20.0, 4.0, 8.0, 14.0, 10.0
CELLS = 8
"""Most columns drawn; the label counts further ones."""
MAIN_SHARE = 0.68
"""Share of the width for the lane with the most layers."""


def draw_network(blocks: Sequence[Block], label: str) -> str:
    """Draw all blocks; `label` describes the picture to a screen reader."""
    parts: list[Element] = [_text(LEFT + _room() / 2, 12, "image", "d-shape", "middle")]
    top = 18.0
    for block in blocks:
        parts.append(_arrow(top))
        top += ARROW
        height = _height(block)
        parts.append(_block(block, top, height))
        top += height
    return picture(WIDTH, top + 4, label, parts)


def _room() -> float:
    return WIDTH - LEFT - RIGHT


def _height(block: Block) -> float:
    most = max(1, *(len(lane) for lane in block.lanes))
    inside = most * (STRIP + GAP) - GAP
    return inside + 2 * PAD + (2 * JOIN + GAP if len(block.lanes) > 1 else 0.0)


def _arrow(top: float) -> Element:
    middle = LEFT + _room() / 2
    return element("path", d=f"M{middle:g} {top:g}v{ARROW:g}", class_="d-line")


def _block(block: Block, top: float, height: float) -> Element:
    group = element("g")
    group.append(
        element("rect", x=LEFT, y=top, width=_room(), height=height, rx=6, class_="d-block")
    )
    name = block.name or "end"
    group.append(_text(LEFT - 8, top + height / 2 - 2, name, "d-name", "end"))
    group.append(_text(LEFT - 8, top + height / 2 + 11, _shape(block.shape), "d-shape", "end"))
    if block.times > 1:
        words = f"{TIMES}{block.times}"
        group.append(_text(WIDTH - RIGHT + 6, top + height / 2 + 4, words, "d-times", "start"))
    left = LEFT + PAD
    widths = _widths(block.lanes)
    bottom = top + height - PAD - (2 * JOIN if len(block.lanes) > 1 else 0.0)
    middle = LEFT + _room() / 2
    for lane, width in zip(block.lanes, widths, strict=True):
        group.extend(_lane(lane, left, top + PAD, width, bottom if len(widths) > 1 else None))
        if len(widths) > 1:
            path = f"M{left + width / 2:g} {bottom:g}L{middle:g} {bottom + JOIN:g}"
            group.append(element("path", d=path, class_="d-line"))
        left += width + PAD
    if len(widths) > 1:
        group.extend(_join(block.join, middle, bottom + JOIN))
    return group


def _widths(lanes: Sequence[Sequence[Strip]]) -> list[float]:
    room = _room() - PAD * (len(lanes) + 1)
    if len(lanes) == 1:
        return [room]
    main = max(range(len(lanes)), key=lambda k: len(lanes[k]))
    side = room * (1 - MAIN_SHARE) / (len(lanes) - 1)
    return [room * MAIN_SHARE if k == main else side for k in range(len(lanes))]


def _lane(
    lane: Sequence[Strip], left: float, top: float, width: float, bottom: float | None
) -> list[Element]:
    """Stack the strips of a lane, and continue it as a line down to `bottom`."""
    parts: list[Element] = []
    end = top + len(lane) * (STRIP + GAP) - (GAP if lane else 0)
    if bottom is not None and end < bottom:
        path = f"M{left + width / 2:g} {end:g}V{bottom:g}"
        line = element("path", d=path, class_="d-line")
        parts.append(line if lane else titled(line, "shortcut: passes its input on unchanged"))
    for index, strip in enumerate(lane):
        parts.append(_strip(strip, left, top + index * (STRIP + GAP), width))
    return parts


def _strip(strip: Strip, left: float, top: float, width: float) -> Element:
    group = titled(element("g", class_=f"d-{strip.tone}"), strip.tooltip)
    cells = min(strip.cells, CELLS)
    gap = 3.0 if cells > 1 else 0.0
    each = (width - gap * (cells - 1)) / cells
    for cell in range(cells):
        x = left + cell * (each + gap)
        group.append(element("rect", x=x, y=top, width=each, height=STRIP, rx=3))
    words = strip.label if strip.cells <= CELLS else f"{strip.label}, {strip.cells} columns"
    group.append(_text(left + width / 2, top + STRIP / 2 + 4, words, "d-label", "middle"))
    return group


def _join(sign: str, x: float, y: float) -> list[Element]:
    words = {TIMES: "gate: the lanes are multiplied", "+": "the lanes are added"}
    circle = titled(element("circle", cx=x, cy=y, r=JOIN, class_="d-join"), words.get(sign, sign))
    return [circle, _text(x, y + 4.5, sign, "d-sign", "middle")]


def _shape(shape: Sequence[int]) -> str:
    if len(shape) == 3:
        return f"{shape[0]} ch, {shape[1]}{TIMES}{shape[2]} px"
    return f"{shape[-1]} numbers"


def _text(x: float, y: float, words: str, kind: str, anchor: str) -> Element:
    return element("text", words, x=x, y=y, class_=kind, text_anchor=anchor)
