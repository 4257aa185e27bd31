"""`gensynth import`: read the trainings of another tool, to begin a search with them."""

import shlex
from pathlib import Path
from typing import Annotated, Optional

import typer

import gensynth

Text = Optional[str]  # noqa: UP045 - typer reads it at run time


def import_(
    table: Annotated[Path, typer.Argument(help="A CSV file: a row for each training.")],
    to: Annotated[Path, typer.Option(help="File to write, for `search --from`.")],
    space: Annotated[str, typer.Option(help="The search space by name.")] = "attendnext",
    experiment: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="A TOML file whose space it is."),
    ] = None,
    accuracy: Annotated[
        Text,
        typer.Option(
            help="Column with the accuracy. Default: top1, accuracy, val_acc or val_accuracy."
        ),
    ] = None,
) -> None:
    """Read trainings of another tool, so that a search begins with them.

    The table has a column for each decision of the space (or `params_NAME`, as
    Optuna writes it) and one for the accuracy. `gensynth search --from FILE`
    then learns from these trainings before its first one.
    """
    found = gensynth.import_trainings(
        table, to, space=space, experiment=experiment, accuracy=accuracy
    )
    typer.echo(f"accuracy from the column {found.accuracy}, as {found.unit}")
    typer.echo(f"{_count(found.trainings, 'training')} written to {to}")
    if found.left_out:
        typer.echo(f"{_count(found.left_out, 'row')} left out: {found.reason}")
    typer.echo(f"gensynth search --from {shlex.quote(str(to))}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
