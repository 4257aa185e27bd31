"""`gensynth show`: how a campaign stands, also under other rules, without training."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gensynth.cli.options import AsJson, ExperimentFile


def show(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The campaign's folder.")],
    experiment: ExperimentFile = None,
    as_json: AsJson = False,
) -> None:
    """Show the best candidates of a campaign, how all ended, and its finals.

    With --experiment, all recorded outcomes are judged and scored by its rules instead.
    """
    from gensynth.cli.standings import show_campaign
    from gensynth.experiment import read_experiment
    from gensynth.record.folder import viewing

    campaign = viewing(folder, read_experiment(experiment) if experiment else None)
    show_campaign(campaign, as_json)
    if not as_json:
        for outcome in campaign.untrained():
            Console().print(f"feasible, untrained: {outcome.number} ({outcome.genome_id})")
