"""Options that several commands share, each described once, and how their errors name them."""

import json
import shlex
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, get_args

import typer

from gensynth.api.shorthands import SHORTHANDS as SHORTHANDS
from gensynth.api.shorthands import percent as percent
from gensynth.errors import InputError
from gensynth.plugins import trusting
from gensynth.process import exit_code, say
from gensynth.quantity import COUNT

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
        help="An exported folder, a file of one (.onnx, .pt2, .pte, .tflite), a campaign's DIR or "
        "DIR:ID with kept weights, or timm:NAME with weights on this machine.",
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


Short = Mapping[str, Any]
"""Shorthands that were typed, by name; `as_command` collects them."""
Trust = Annotated[
    bool, typer.Option("--trust", help="Run code that a folder of somebody else brings or names.")
]


def as_command(
    function: Callable[..., None], trusts: bool = False, short: Iterable[str] = ()
) -> Callable[..., None]:
    """Name an option in an error as the user types it: `image_size` becomes `--image-size`.

    With `trusts`, the command has the option `--trust`, which applies to all that it does. It has
    the options of the shorthands named in `short`, and gets as `short` those that were typed.
    """
    options = {
        name.strip("_"): "--" + name.strip("_").replace("_", "-")
        for name, parameter in signature(function).parameters.items()
        if not any(isinstance(a, typer.models.ArgumentInfo) for a in get_args(parameter.annotation))
    }
    options |= {name: SHORTHANDS[name].option for name in short}
    more = [_shorthand(name) for name in short]
    more += [Parameter("trust", Parameter.KEYWORD_ONLY, default=False, annotation=Trust)] * trusts

    @wraps(function)
    def command(*arguments: Any, **given: Any) -> None:
        typed = {name: given.pop(name, None) for name in short}
        given |= {"short": {k: v for k, v in typed.items() if v is not None}} if short else {}
        try:
            with trusting(given.pop("trust", False)):
                function(*arguments, **given)
        except KeyboardInterrupt as interrupt:  # typer would end every one of them with 130.
            say("gensynth: interrupted")
            raise typer.Exit(exit_code(interrupt)) from None
        except InputError as error:
            name, bracket, rest = error.place.partition("[")
            if name not in options:
                raise
            raise InputError(options[name] + bracket + rest, error.problem) from None

    own = [p for p in signature(function).parameters.values() if p.name != "short"]
    asked = signature(function).replace(parameters=[*own, *more])
    command.__signature__ = asked  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in asked.parameters.values()}
    return command


def _shorthand(name: str) -> Parameter:
    """Return a shorthand as a parameter that typer reads."""
    shorthand = SHORTHANDS[name]
    option = typer.Option(
        shorthand.option,
        help=f"{shorthand.help} Example: {shorthand.example}",
        metavar="NUMBER",
        rich_help_panel="Shorthands for keys of the experiment",
    )
    # typer reads it at run time, so it is spelled the old way.
    kind = Annotated[Optional[str], option]  # noqa: UP045
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=kind)


def as_typed(short: Short) -> dict[str, Any]:
    """Return shorthands by the names of their options."""
    return {SHORTHANDS[name].option.removeprefix("--"): word for name, word in short.items()}


def search_command(given: Mapping[str, Any]) -> str:
    """Write a search with every option that was given; a password in a URL is left out."""
    from gensynth.record.address import without_password

    words = ["gensynth", "search"]
    for name, value in given.items():
        if value is not None:
            if name == "earlier":
                words += [word for each in value for word in ("--from", str(each))]
                continue
            words += [f"--{name.replace('_', '-')}"] if name else []
            word = without_password(str(value)) if name == "storage" else str(value)
            words += [] if value is True else [word]
    return shlex.join(words)


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


def count(text: str | None, place: str) -> float | None:
    """Read a count above 0; None is not given."""
    if text is None:
        return None
    number = COUNT.read(text, place)
    if not number > 0:
        raise InputError(place, f"must be greater than 0, got {text}")
    return number
