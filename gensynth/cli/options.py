"""Options that several commands share, each described once."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from gensynth.errors import InputError
from gensynth.space import Task

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
MODELS = (
    "timm:NAME, SPACE:PRESET (attendnext:xa325), module:factory, a genome file, an exported "
    "folder, or published:OFA-62, of which only figures are public."
)
Models = Annotated[list[str], typer.Argument(metavar="MODEL...", help=MODELS)]
ImageSize = Annotated[int, typer.Option(help="Height and width of the input in pixels.", min=1)]
PeerSize = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--image-size",
        help="Height and width of the input in pixels; "
        "default an experiment's, a timm network's own, or 224.",
        min=1,
    ),
]
Channels = Annotated[int, typer.Option(help="Channels of the input.", min=1)]
Classes = Annotated[int, typer.Option(help="Number of classes.", min=1)]
ExperimentFile = Annotated[
    Optional[Path],  # noqa: UP045 - typer reads it at run time
    typer.Option("--experiment", help="Take the rules and the score of this experiment."),
]


def data_path(given: str) -> str:
    """Give what `--data` stands for: embedded or hub data by its name, else an absolute path."""
    if given.startswith("hub:"):
        return given
    if given != "digits":
        return str(Path(given).resolve()) if given.strip() else given
    if Path(given).is_dir():
        problem = "is the embedded data and a folder here: write ./digits, or run it elsewhere"
        raise InputError("--data digits", problem)
    return given


ExperimentOrSuited = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Argument(
        metavar="EXPERIMENT.toml",
        help="TOML file; without it: digits, or what suits a folder of images.",
    ),
]
Images = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--data", help="A folder of images, hub:NAME, or digits."),
]
BroughtTo = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--image-size", help="Height and width to which images are brought; default their own."
    ),
]


def task(image_size: int, channels: int, classes: int) -> Task:
    """Make the task that networks are built for."""
    return Task(channels, image_size, image_size, classes)
