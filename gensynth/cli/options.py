"""Options that several commands share, each described once, and how their errors name them."""

import json
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, get_args

import typer

from gensynth.errors import InputError
from gensynth.plugins import trusting
from gensynth.process import exit_code, say

if TYPE_CHECKING:
    from gensynth import Measurement

# typer reads these at run time, so optional ones are spelled the old way.
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
MODELS = (
    "timm:NAME, SPACE:PRESET (attendnext:xa325), module:factory, a genome file, an exported "
    "folder, or published:OFA-62 (published figures only)."
)
TrainedModel = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="An exported folder, a file of one (.onnx, .pt2, .pte), a campaign's DIR or DIR:ID "
        "with kept weights, or timm:NAME with weights on this machine.",
    ),
]
Preprocess = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="The config.json that describes the preprocessing, if MODEL does not."),
]
Models = Annotated[list[str], typer.Argument(metavar="MODEL...", help=MODELS)]
PeerSize = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--image-size",
        help="Height and width of the input in pixels. "
        "Default: the experiment's, a timm network's own, or 224.",
        min=1,
    ),
]
Channels = Annotated[int, typer.Option(help="Channels of the input.", min=1)]
Classes = Annotated[int, typer.Option(help="Number of classes.", min=1)]
NetChannels = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--channels", help="Channels of the input. Default: the experiment's, or 3.", min=1
    ),
]
NetClasses = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--classes", help="Number of classes. Default: the experiment's, or 1000.", min=1),
]
CampaignFolder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the campaign.")]
ExperimentFile = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--experiment", help="Use the constraints and the score of this experiment."),
]
ExperimentOrSuited = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Argument(
        metavar="EXPERIMENT.toml",
        help="Experiment file. Default: the embedded one for digits, or for a folder of images.",
    ),
]
Images = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--data", help="A folder of images, hub:NAME, or digits."),
]
ResizedTo = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--image-size",
        help="Resize images to this height and width in pixels. Default: original size.",
    ),
]
ClassLevel = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--class-level",
        help="Which folders are the classes: 1 (default) = the outermost, 2 = those inside, ...; "
        "0 = those that hold the images.",
        min=0,
    ),
]


Trust = Annotated[
    bool, typer.Option("--trust", help="Run code that a folder of somebody else brings or names.")
]


def as_command(function: Callable[..., None], trusts: bool = False) -> Callable[..., None]:
    """Name an option in an error as the user types it: `image_size` becomes `--image-size`.

    With `trusts`, the command has the option `--trust`, which applies to all that it does.
    """
    options = {
        name.strip("_")
        for name, parameter in signature(function).parameters.items()
        if not any(isinstance(a, typer.models.ArgumentInfo) for a in get_args(parameter.annotation))
    }

    @wraps(function)
    def command(*arguments: Any, **given: Any) -> None:
        try:
            with trusting(given.pop("trust", False)):
                function(*arguments, **given)
        except KeyboardInterrupt as interrupt:  # typer would end every one of them with 130.
            say("gensynth: interrupted")
            raise typer.Exit(exit_code(interrupt)) from None
        except InputError as error:
            if error.place.partition("[")[0] not in options:
                raise
            place = "--" + error.place.replace("_", "-")
            raise InputError(place, error.problem) from None

    if trusts:
        known = signature(function)
        more = Parameter("trust", Parameter.KEYWORD_ONLY, default=False, annotation=Trust)
        asked = known.replace(parameters=[*known.parameters.values(), more])
        command.__signature__ = asked  # type: ignore[attr-defined]
        command.__annotations__ = {**function.__annotations__, "trust": Trust}
    return command


def print_json(data: Any) -> None:
    """Print plain data as JSON on standard output, and nothing else."""
    print(json.dumps(data, indent=2, allow_nan=False))


def print_measurement(rate: float, measurement: "Measurement") -> None:
    """Print a measurement of a long training on standard error."""
    line = f"rate {rate:g}  epoch {measurement.epoch}  loss {measurement.loss:.3f}"
    typer.echo(f"{line}  validation top-1 {measurement.top1:.2f} %", err=True)


def words(text: str) -> list[str]:
    """Split comma-separated words; `none` and an empty text are none."""
    return [word.strip() for word in text.split(",") if word.strip() not in ("", "none")]
