"""`gensynth predict`: which class do pictures belong to?"""

import csv
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

import gensynth
from gensynth.cli.options import AsJson, Preprocess, TrainedModel, print_json
from gensynth.process import say

Pictures = Annotated[
    list[str], typer.Argument(metavar="PATH...", help="Pictures, folders, or patterns.")
]
Top = Annotated[int, typer.Option(help="Number of classes to print for each picture.", min=1)]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")]


def predict(
    model: TrainedModel,
    pictures: Pictures,
    top: Top = 1,
    preprocess: Preprocess = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Classify pictures with a trained network.

    Pictures are prepared as in the training of the network; its export states
    how. Exits with 1 if a picture cannot be read; the others are classified.
    """
    found = gensynth.predict(model, pictures, top=top, preprocess=preprocess)
    if as_json:
        print_json([_plain(one) for one in found])
    elif as_csv:
        _print_csv(found)
    else:
        _print_table(found)
    unreadable = [one for one in found if one.problem]
    for one in unreadable:
        say(" ".join(f"gensynth: {one.picture}: cannot be read: {one.problem}".split()))
    raise typer.Exit(int(bool(unreadable)))


def _plain(one: "gensynth.Prediction") -> dict[str, object]:
    classes = [{"class": name, "probability": share} for name, share in one.classes]
    return {"picture": one.picture, "classes": classes, "problem": one.problem}


def _print_csv(found: Sequence["gensynth.Prediction"]) -> None:
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow(("picture", "rank", "class", "probability"))
    for one in found:
        for rank, (name, share) in enumerate(one.classes, 1):
            path = one.picture.encode(errors="backslashreplace").decode()  # It need not be UTF-8.
            lines.writerow((path, rank, name, f"{share:.6f}"))


def _print_table(found: Sequence["gensynth.Prediction"]) -> None:
    from gensynth.report.tables import plain_table

    rows = [
        [one.picture if rank == 0 else "", name, f"{100 * share:.1f} %"]
        for one in found
        for rank, (name, share) in enumerate(one.classes)
    ]
    if rows:
        plain_table(("picture", "class", "probability"), rows)
