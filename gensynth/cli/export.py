"""`gensynth export`: take a network out: a folder that needs only torch, and other formats."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from gensynth.campaign.experiment import EXPERIMENT
from gensynth.cli.options import data_path, task
from gensynth.errors import InputError
from gensynth.plugins import names

if TYPE_CHECKING:
    from gensynth.campaign.campaign import Campaign
    from gensynth.exports.agreement import Agreement
    from gensynth.formats import Format
    from gensynth.formats.real_inputs import RealInputs
    from gensynth.models.by_name import Sourced
    from gensynth.space import Task

BuiltFor = tuple[int | None, int | None, int | None]
"""Image size, channels and classes, where they are asked for."""
IMAGE_SIZE = 224

Given = Optional[int]  # noqa: UP045 - typer reads it at run time
_PIXELS = "Height and width of the input in pixels; default 224, or a campaign's."
Size = Annotated[Given, typer.Option(help=_PIXELS, min=1)]
ChannelCount = Annotated[Given, typer.Option(help="Channels of the input; default 3.", min=1)]
ClassCount = Annotated[Given, typer.Option(help="Number of classes; default 1000.", min=1)]


def export(
    source: Annotated[str, typer.Argument(help="DIR, DIR:ID, SPACE:PRESET or a genome file.")],
    to: Annotated[Path, typer.Option(help="The folder to write; must not exist.")],
    format_: Annotated[
        str, typer.Option("--format", help=f"Comma-separated: torch, {', '.join(names('format'))}.")
    ] = "torch",
    data: Annotated[
        Optional[str],  # noqa: UP045 - typer reads it at run time
        typer.Option(help="Images to compare formats on; default a campaign's, else noise."),
    ] = None,
    image_size: Size = None,
    channels: ChannelCount = None,
    classes: ClassCount = None,
) -> None:
    """Write the standalone PyTorch definition, its weights, its genome and its card.

    DIR is the winner of a campaign, trained. DIR:ID (a number or a genome) is
    any of its candidates; that, a preset and a genome file leave with fresh
    weights. Other formats have batch normalisation folded, and are run on
    images when they are written.

    Ends with 1 where a format computes otherwise; it is not left behind.
    """
    from gensynth.exports.folder import ExportError
    from gensynth.formats import formats

    wanted = formats([word.strip() for word in format_.split(",")], Path.cwd())
    if to.exists():
        raise InputError("--to", f"{to} exists already")
    try:
        agreements = _exported(source, to, wanted, data, (image_size, channels, classes))
    except ExportError as error:
        typer.echo(f"gensynth: {source}: not exported: {error}", err=True)
        raise typer.Exit(1) from None
    for agreement in agreements:
        typer.echo(agreement)
    typer.echo(f"exported to {to}")
    raise typer.Exit(int(not all(agreement.agrees for agreement in agreements)))


def _exported(
    source: str,
    to: Path,
    wanted: "Sequence[Format]",
    data: str | None,
    built_for: BuiltFor,
) -> "Sequence[Agreement]":
    folder, _, identity = source.rpartition(":")
    winner = (Path(source) / EXPERIMENT).is_file()
    candidate = bool(folder) and (Path(folder) / EXPERIMENT).is_file()
    if data is not None and (winner or candidate):
        raise InputError("--data", "a campaign has its own data")
    if any(built_for) and (winner or candidate):
        problem = "a campaign's networks are built for its own images"
        raise InputError("--image-size, --channels, --classes", problem)
    if winner:
        return _winner(Path(source), to, wanted)
    if candidate:
        return _candidate(Path(folder), identity, source, to, wanted)
    size, channels, classes = built_for
    imagenet = task(size or IMAGE_SIZE, channels or 3, classes or 1000)
    return _genome(source, to, wanted, data, imagenet)


def _winner(folder: Path, to: Path, wanted: "Sequence[Format]") -> "Sequence[Agreement]":
    from gensynth.campaign.folder import viewing
    from gensynth.exports.publish import publish

    published = publish(viewing(folder, same_images=True), to, wanted)
    if published is None:
        raise InputError(str(folder), "the campaign has no winner yet; export DIR:ID instead")
    return published.agreements


def _candidate(
    folder: Path, identity: str, place: str, to: Path, wanted: "Sequence[Format]"
) -> "Sequence[Agreement]":
    """Export a candidate of a campaign, found by its number or its genome."""
    from gensynth.campaign.folder import viewing
    from gensynth.data.open import open_data
    from gensynth.exports.publish import publish_untrained
    from gensynth.formats.real_inputs import of_data

    campaign = viewing(folder, same_images=True)
    found = _found(campaign, identity, place)
    settings = campaign.context.experiment.data
    size, name = found.source.input_shape[1:], Path(settings.path).name
    inputs = of_data(open_data(settings), name, "validation", size, trained=False)
    agreements = publish_untrained(found, to, wanted, inputs)
    _tell_untrained(found)
    return agreements


def _found(campaign: "Campaign", identity: str, place: str) -> "Sourced":
    from gensynth.models.by_name import sourced

    for outcome in campaign.outcomes:
        if identity in (str(outcome.number), outcome.genome_id) and outcome.fingerprint:
            described = campaign.evaluator.described(outcome.decisions)
            space, context = campaign.context.experiment.space.use, campaign.context
            return sourced(context.space, space, described.genome, context.task)
    raise InputError(place, f"the campaign has no candidate {identity!r}; `show` lists them")


def _genome(
    source: str,
    to: Path,
    wanted: "Sequence[Format]",
    data: str | None,
    built_for: "Task",
) -> "Sequence[Agreement]":
    from gensynth.exports.publish import publish_untrained
    from gensynth.models.by_name import find_genome

    found = find_genome(source, built_for)
    agreements = publish_untrained(found, to, wanted, _inputs(data, found.source.input_shape))
    _tell_untrained(found)
    return agreements


def _tell_untrained(found: "Sourced") -> None:
    shape = " x ".join(map(str, found.source.input_shape))
    typer.echo(f"fresh weights: this network was not trained; it takes {shape} images")


def _inputs(data: str | None, shape: tuple[int, int, int]) -> "RealInputs":
    """Take images of `data` in the form that a network takes, or make some of noise."""
    from gensynth.data.open import open_data
    from gensynth.data.sets import DataSettings
    from gensynth.formats.real_inputs import noise, of_data

    if data is None:
        return noise(shape)
    channels = shape[0]
    if channels not in (1, 3):
        raise InputError("--data", f"has 1 or 3 channels, but the network takes {channels}")
    path = data_path(data)
    images = open_data(DataSettings(path=path, channels=channels))  # type: ignore[arg-type]
    if images.task.channels != channels:
        found = images.task.channels
        raise InputError("--data", f"has {found} channels, but the network takes {channels}")
    return of_data(images, Path(path).name, "validation", shape[1:], trained=False)
