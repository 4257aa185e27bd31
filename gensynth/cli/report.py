"""`gensynth report`: a campaign on one page of HTML."""

from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The campaign's folder.")]


def report(
    folder: Folder,
    beside: Annotated[
        Optional[list[Path]],  # noqa: UP045 - typer reads it at run time
        typer.Option(help="Folder of another campaign on the same task, to compare courses."),
    ] = None,
    peers: Annotated[
        bool, typer.Option("--peers", help="Time the network beside the paper's peers.")
    ] = False,
    to: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="The file; default DIR/report.html."),
    ] = None,
) -> None:
    """Write report.html: the network found, how it came about, how to do it again.

    The page needs nothing but itself. `gensynth search` writes it, too.
    """
    from gensynth.campaign.folder import viewing
    from gensynth.errors import InputError
    from gensynth.report.page import write
    from gensynth.report.rivals import keep, kept, measure

    campaign = viewing(folder)
    others = {}
    for other in beside or ():
        seen = viewing(other)
        if seen.context.data_fingerprint != campaign.context.data_fingerprint:
            raise InputError(str(other), f"was run on other data than {folder}")
        others[f"{seen.context.experiment.generator.use} ({other.name})"] = seen.outcomes
    if peers:
        keep(measure(campaign), folder)
    file = write(campaign, to or folder / "report.html", others, kept(campaign))
    Console().print(f"written: {file}", highlight=False, soft_wrap=True)
