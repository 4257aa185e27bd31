"""`gensynth evaluate`: how often is a trained network right, class by class?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

import gensynth
from gensynth.cli.options import AsJson, ClassLevel, Preprocess, TrainedModel, print_json
from gensynth.errors import shown
from gensynth.process import say

if TYPE_CHECKING:
    from gensynth.prediction.evaluation import Evaluation

MOST_NAMED = 5
"""Unreadable pictures that are printed."""
MOST_COLUMNS = 10
"""Classes up to which the confusion matrix is printed; the page has larger ones."""
Data = Annotated[str, typer.Option(help="A folder of class folders, hub:NAME, or digits.")]
Split = Annotated[
    Optional[str],  # noqa: UP045 - typer reads it at run time
    typer.Option(
        help="train, validation or test. Default: test if there is such a folder, else all."
    ),
]
Html = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="Write a page with the most confident mistakes as pictures."),
]


def evaluate(
    model: TrainedModel,
    data: Data,
    split: Split = None,
    class_level: ClassLevel = None,
    preprocess: Preprocess = None,
    html: Html = Path("evaluation.html"),
    as_json: AsJson = False,
) -> None:
    """Measure a trained network on labelled pictures, read from their files.

    Prints top-1 with its 95 % interval, balanced accuracy, the figures of each
    class, and the confusion matrix. Exits with 1 if a picture cannot be read;
    the others are counted.
    """
    found = gensynth.evaluate(
        model, data, split=split, preprocess=preprocess, html=html, class_level=class_level
    )
    if as_json:
        print_json(_plain(found))
    else:
        _show(found)
        typer.echo(f"mistakes as pictures: {html}")
    for line in found.unreadable[:MOST_NAMED]:
        say(" ".join(f"gensynth: cannot be read: {line}".split()))
    if more := found.unreadable[MOST_NAMED:]:
        say(f"gensynth: {len(more)} more pictures cannot be read")
    raise typer.Exit(int(bool(found.unreadable)))


def _plain(found: "Evaluation") -> dict[str, object]:
    from gensynth.serialization import to_plain

    name, share = found.commonest
    return {
        "model": found.model,
        "images": found.images,
        "top1": found.top1,
        "interval": list(found.interval),
        "balanced_accuracy": found.balanced_accuracy,
        "commonest": {"class": name, "top1": share},
        "classes": to_plain(found.per_class),
        "confusion": to_plain(found.confusion),
        "mistakes": to_plain(found.mistakes),
        "unreadable": list(found.unreadable),
        "lacking": list(found.lacking),
    }


def _show(found: "Evaluation") -> None:
    from gensynth.report.evaluation_page import CLASS_HEADS, class_rows, evaluation_summary
    from gensynth.report.tables import plain_table

    for line in evaluation_summary(found):
        typer.echo(shown(line))
    plain_table(CLASS_HEADS, list(class_rows(found)))
    if len(found.classes) <= MOST_COLUMNS:
        rows = [
            [f"{k} {name}", *map(str, counts)]
            for k, (name, counts) in enumerate(zip(found.classes, found.confusion, strict=True))
        ]
        plain_table(["true \\ predicted", *map(str, range(len(found.classes)))], rows)
