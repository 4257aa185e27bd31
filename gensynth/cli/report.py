"""`gensynth report`: a campaign on one page of HTML."""

from pathlib import Path
from typing import Annotated, Optional

import typer

import gensynth
from gensynth.cli.options import CampaignFolder
from gensynth.report.terminal import console


def report(
    folder: CampaignFolder,
    beside: Annotated[
        Optional[list[Path]],  # noqa: UP045 - typer reads it at run time
        typer.Option(
            help="Folder of another campaign on the same data, to compare; may be repeated."
        ),
    ] = None,
    peers: Annotated[
        bool,
        typer.Option(
            "--peers", help="Measure the latency of the network and of the paper's peers."
        ),
    ] = False,
    to: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="File to write. Default: DIR/report.html."),
    ] = None,
) -> None:
    """Write the report of a campaign: the network found, and how to reproduce it.

    The page is one file of HTML and loads nothing from elsewhere. `gensynth
    search` writes it, too.
    """
    file = gensynth.load(folder).report(to, beside or (), peers)
    console().print(f"written: {file}", highlight=False, soft_wrap=True)
