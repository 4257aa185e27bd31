"""`gensynth new`: write a plugin of your own that runs without changes."""

from pathlib import Path
from typing import Annotated

import typer

import gensynth
from gensynth.report.terminal import console

new = typer.Typer(no_args_is_help=True, help="Write a plugin of your own, with a test.")
Name = Annotated[str, typer.Argument(help="Module name: lower case, words joined by _.")]
Folder = Annotated[Path, typer.Option("--to", help="Folder to write to.")]

SEARCH = "gensynth search {experiment}"
EXPORT = "gensynth export attendnext:tiny --image-size 16 --to out --format {target}"


@new.command()
def constraint(name: Name, folder: Folder = Path()) -> None:
    """Write NAME.py with a constraint, a test, and an experiment that uses it."""
    _write("constraint", name, folder)


@new.command()
def space(name: Name, folder: Folder = Path()) -> None:
    """Write NAME.py with a search space, its blocks, a test, and an experiment."""
    _write("space", name, folder)


@new.command()
def device(name: Name, folder: Folder = Path()) -> None:
    """Write NAME.py with a device to measure latency on, a test, and an experiment."""
    _write("device", name, folder)


@new.command("format")
def format_(name: Name, folder: Folder = Path()) -> None:
    """Write NAME.py with an export format, and a test."""
    _write("format", name, folder, EXPORT)


@new.command()
def early_stopping(name: Name, folder: Folder = Path()) -> None:
    """Write NAME.py with a rule for early stopping, a test, and an experiment."""
    _write("early_stopping", name, folder)


def _write(kind: str, name: str, folder: Path, use: str = SEARCH) -> None:
    written = gensynth.new_plugin(kind, name, folder)
    then = use.format(experiment=written.files[-1], target=written.target)
    for line in (
        "written: " + ", ".join(map(str, written.files)),
        f"next: gensynth check-plugin {written.target}",
        f"then: {then}",
    ):
        console().print(line, highlight=False, soft_wrap=True)
