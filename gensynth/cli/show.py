"""`gensynth show`: how a campaign stands, also under other rules, without training."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gensynth.cli.options import AsJson, ExperimentFile


def show(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The campaign's folder.")],
    experiment: ExperimentFile = None,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all candidates to a .parquet or .csv file."),
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write the curves to DIR/tensorboard.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the best candidates of a campaign, how all ended, and its finals.

    With --experiment, all recorded outcomes are judged and scored by its rules instead. With --to,
    they are written as a table, one row each, decisions as columns; an existing file is kept.
    """
    from gensynth.cli.standings import show_campaign
    from gensynth.cli.trials_file import require_free, write_trials
    from gensynth.experiment import read_experiment
    from gensynth.record.folder import viewing
    from gensynth.tensorboard import FOLDER, Curves

    if to is not None:
        require_free(to)
    curves = Curves(folder) if tensorboard else None
    campaign = viewing(folder, read_experiment(experiment) if experiment else None)
    written = []
    if to is not None:
        write_trials(campaign.outcomes, to)
        written.append(f"{len(campaign.outcomes):,} candidates written to {to}")
    if curves is not None:
        curves(campaign.outcomes)
        written.append(f"curves written: tensorboard --logdir {folder / FOLDER}")
    show_campaign(campaign, as_json)
    if not as_json:
        for outcome in campaign.untrained():
            Console().print(f"feasible, untrained: {outcome.number} ({outcome.genome_id})")
        for line in written:
            Console().print(line, soft_wrap=True, highlight=False)
