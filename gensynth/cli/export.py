"""`gensynth export`: take a network out, as a folder that needs only torch."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gensynth.cli.options import Channels, Classes, ImageSize, task
from gensynth.errors import InputError
from gensynth.experiment import EXPERIMENT

if TYPE_CHECKING:
    from gensynth.campaign import Campaign
    from gensynth.models import Sourced


def export(
    source: Annotated[str, typer.Argument(help="DIR, DIR:ID, SPACE:PRESET or a genome file.")],
    to: Annotated[Path, typer.Option(help="The folder to write; must not exist.")],
    image_size: ImageSize = 224,
    channels: Channels = 3,
    classes: Classes = 1000,
) -> None:
    """Write the standalone PyTorch definition, its weights, its genome and its card.

    DIR is the winner of a campaign, trained. DIR:ID (a number or a genome) is any of its
    candidates; that, a preset and a genome file leave with fresh weights.
    """
    from gensynth.export.publish import publish, publish_untrained
    from gensynth.models import find_genome
    from gensynth.record.folder import viewing

    if to.exists():
        raise InputError("--to", f"{to} exists already")
    folder, _, identity = source.rpartition(":")
    if (Path(source) / EXPERIMENT).is_file():
        if publish(viewing(Path(source)), to) is None:
            raise InputError(source, "the campaign has no winner yet; export DIR:ID instead")
    elif folder and (Path(folder) / EXPERIMENT).is_file():
        publish_untrained(_candidate(viewing(Path(folder)), identity, source), to)
    else:
        publish_untrained(find_genome(source, task(image_size, channels, classes)), to)
    typer.echo(f"exported to {to}")


def _candidate(campaign: "Campaign", identity: str, place: str) -> "Sourced":
    """Find a candidate of a campaign by its number or its genome."""
    from gensynth.models import sourced

    for outcome in campaign.outcomes:
        if identity in (str(outcome.number), outcome.genome_id) and outcome.fingerprint:
            described = campaign.judge.describe(outcome.decisions)
            space, setting = campaign.setting.experiment.space.use, campaign.setting
            return sourced(setting.space, space, described.genome, setting.task)
    raise InputError(place, f"the campaign has no candidate {identity!r}; `show` lists them")
