"""`gensynth export`: take a network out, as a folder that needs only torch."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from gensynth.campaign_folder import viewing
from gensynth.errors import InputError
from gensynth.models import Sourced, source_of
from gensynth.publish import publish, write_untrained


def export(
    source: Annotated[str, typer.Argument(help="A campaign's DIR, DIR:ID, SPACE:PRESET or file.")],
    to: Annotated[Path, typer.Option(help="The folder to write; must not exist.")],
) -> None:
    """Write the standalone PyTorch definition, its weights, its genome and its card.

    DIR is the winner of a campaign, trained; DIR:ID (a number or a genome) any of its candidates,
    a preset or a genome file a network with fresh weights.
    """
    if to.exists():
        raise InputError("--to", f"{to} exists already")
