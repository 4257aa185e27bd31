"""What cards say of any network, in words: figures, classes, preprocessing, versions."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from gensynth.evaluation.confidence import wilson_interval
from gensynth.evaluation.latency import Latency, figure_words, in_unit

if TYPE_CHECKING:
    from gensynth.data.preprocessing import Preprocessing
    from gensynth.prediction.evaluation import Evaluation

MOST_CLASSES = 20
"""Classes that a card lists."""


def table_of(facts: Mapping[str, object]) -> list[str]:
    """Return the lines of a Markdown table of `facts`, without those that are empty.

    >>> table_of({"Parameters": "2,262", "MACs": ""})
    ['| what | value |', '|---|---|', '| Parameters | 2,262 |']
    """
    rows = (f"| {name} | {value} |" for name, value in facts.items() if value != "")
    return ["| what | value |", "|---|---|", *rows]


def versions(*packages: str) -> str:
    """Return the versions of installed packages and of Python, and the machine type."""
    installed = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"{installed}; Python {platform.python_version()}, {platform.machine()}"


def share_of(share: float) -> str:
    """Return the words for a share of images, to precede them; empty if it is all of them.

    >>> share_of(0.25) + "the training images"
    '0.25 of the training images'
    """
    return "" if share == 1 else f"{share:.3g} of "


def times(count: int) -> str:
    """Return a count in words.

    >>> times(1)
    '1 time'
    """
    return f"{count} time{'s' if count != 1 else ''}"


def top1_words(top1: float, images: int) -> str:
    """Return a top-1 in percent with its interval."""
    low, high = wilson_interval(top1, images)
    return f"{top1:.2f} % on {images:,} images (95 % interval {low:.2f} to {high:.2f} %)"


def latency_words(latency: "Latency") -> str:
    """Return a latency with its interval, and its ratio to the reference's."""
    low, high = latency.interval.low, latency.interval.high
    ends = f"{figure_words(low, latency.unit)} to {figure_words(high, latency.unit)}"
    text = f"{in_unit(latency.median, latency.unit)} ({ends})"
    if latency.ratio is not None and latency.ratio_interval is not None:
        low, high = latency.ratio_interval.low, latency.ratio_interval.high
        text += f", {latency.ratio:.3g} times the reference's ({low:.3g} to {high:.3g})"
    return f"{text}; {latency.machine}"


def evaluation_section(found: "Evaluation") -> list[str]:
    """Return the lines of a card about the test split, class by class."""
    name, share = found.commonest
    shown = [each for each in found.per_class if each.images][:MOST_CLASSES]
    left = sum(each.images > 0 for each in found.per_class) - len(shown)
    return [
        "## The test split",
        "",
        f"The {found.data} were read again from their files by this folder's `predict.py`: top-1 "
        f"{found.top1:.2f} %, balanced accuracy {found.balanced_accuracy:.2f} %. Always "
        f"predicting {name}, the commonest class, would reach {share:.2f} %.",
        "",
        "| class | images | sensitivity | precision |",
        "|---|---|---|---|",
        *(
            f"| {c.name} | {c.images:,} | {percent(c.sensitivity)} | {percent(c.precision)} |"
            for c in shown
        ),
        *(["", f"{left:,} more classes: see `evaluation.json`."] if left else []),
    ]


def percent(share: float | None) -> str:
    """Return a percentage in words; a dash if it is not defined."""
    return "-" if share is None else f"{share:.2f} %"


def preprocessing_words(how: "Preprocessing") -> str:
    """Return the steps of a preprocessing in words."""
    mean, std = (", ".join(f"{x:.6f}" for x in xs) for xs in (how.mean, how.std))
    behind = "ignored" if how.background is None else f"composited over grey {how.background}"
    then = f", then normalised pixels to {how.then[0]} x {how.then[1]}" if how.then else ""
    return (
        f"upright by EXIF; transparency {behind}; 16-bit values scaled so that {how.white:,} is "
        f"255; resized ({how.filter}) to cover {how.height} x {how.width} and cropped around the "
        f"centre{then}; scaled to 0..1, then (x - mean) / std for each channel; mean {mean}; std "
        f"{std}"
    )
