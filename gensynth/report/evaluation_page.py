"""An evaluation as a page of HTML: figures, the confusion matrix, and mistakes as pictures."""

import io
from base64 import b64encode
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image

from gensynth.data.picture import PictureChanged, decode, inspect
from gensynth.data.preprocessing import decoding
from gensynth.exports.card_words import percent
from gensynth.prediction.evaluation import Evaluation, Mistake
from gensynth.report.html import table_html
from gensynth.serialization import write_whole

SIDE = 120
"""Largest height and width, in pixels, at which a mistake is shown."""
MOST_COLUMNS = 40
"""Classes up to which the confusion matrix is shown."""


def write_evaluation_page(found: Evaluation, file: Path) -> None:
    """Write an evaluation to `file`, completely or not at all."""
    style = files("gensynth.report").joinpath("style.css").read_text(encoding="utf-8")
    title = escape(f"{found.model} on {found.data}")
    write_whole(
        file,
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{title}</title>'
        f"<style>{style}</style></head><body><main><h1>{title}</h1>{evaluation_html(found)}"
        "</main></body></html>\n",
    )


def evaluation_html(found: Evaluation, root: Path | None = None) -> str:
    """Return the body of the page; mistakes without a path are looked up in `root`."""
    parts = [
        "".join(f"<p>{escape(line)}</p>" for line in evaluation_summary(found)),
        "<h3>Classes</h3>",
        _scrolling(table_html(CLASS_HEADS, class_rows(found))),
    ]
    if len(found.classes) <= MOST_COLUMNS:
        rows = (
            [name, *(f"{count:,}" for count in counts)]
            for name, counts in zip(found.classes, found.confusion, strict=True)
        )
        heads = ["true class \\ predicted", *found.classes]
        parts += ["<h3>Confusion matrix</h3>", _scrolling(table_html(heads, rows))]
    if found.mistakes:
        shown = "".join(_figure(mistake, root) for mistake in found.mistakes)
        parts += [f'<h3>The most confident mistakes</h3><div class="mistakes">{shown}</div>']
    return "".join(parts)


def _scrolling(table: str) -> str:
    return f'<div class="scroll">{table}</div>'


CLASS_HEADS = ("class", "images", "sensitivity", "precision")


def class_rows(found: Evaluation) -> Iterator[list[str]]:
    """Yield the figures of each class as words."""
    for each in found.per_class:
        yield [
            each.name,
            f"{each.images:,}",
            percent(each.sensitivity),
            percent(each.precision),
        ]


def evaluation_summary(found: Evaluation) -> list[str]:
    """Return the figures over all classes, and what was left out, as lines."""
    (low, high), (name, share) = found.interval, found.commonest
    lines = [
        f"top-1 {found.top1:.2f} % (95 % interval {low:.2f} to {high:.2f} %) on {found.images:,} "
        f"{found.data}",
        f"balanced accuracy {found.balanced_accuracy:.2f} %",
        f"always predicting {name}, the commonest class: {share:.2f} %",
    ]
    if found.lacking:
        lines.append(f"not counted, as the model lacks these classes: {', '.join(found.lacking)}")
    if found.unreadable:
        lines.append(f"{len(found.unreadable)} pictures cannot be read")
    return lines


def _figure(mistake: Mistake, root: Path | None) -> str:
    words = f"{mistake.truth}, taken for {mistake.predicted} ({mistake.probability:.0%}): "
    words = escape(words + mistake.name)
    path = mistake.path or (str(root / mistake.name) if root else "")
    picture = _thumbnail(path) if path else ""
    return f"<figure>{picture}<figcaption>{words}</figcaption></figure>"


def _thumbnail(path: str) -> str:
    """Return a picture as an element of HTML; empty if it cannot be read any more."""
    info, content = inspect(path), io.BytesIO()
    scale = SIDE / max(SIDE, *info.size)
    height, width = (max(1, round(scale * pixels)) for pixels in info.size)
    try:
        pixels = decode(path, info.sha256, decoding(None, 3, height, width, info.white))
    except PictureChanged:
        return ""
    if isinstance(pixels, str):
        return ""
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(content, "PNG")
    data = b64encode(content.getvalue()).decode()
    return f'<img alt="" src="data:image/png;base64,{data}">'
