"""`gensynth show`: the state of a campaign, also under other constraints, without training."""

from pathlib import Path
from typing import Annotated

import typer

import gensynth
from gensynth.cli.options import AsJson, CampaignFolder, ExperimentFile, print_json
from gensynth.report.terminal import console


def show(
    folder: CampaignFolder,
    experiment: ExperimentFile = None,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all candidates to a new .parquet or .csv file."),
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write the training curves to DIR/tensorboard.")
    ] = False,
    front: Annotated[
        bool, typer.Option("--front", help="Show the best network for every limit on its costs.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the best candidates of a campaign, how all of them ended, and the finals.

    With --experiment, the recorded candidates are judged and scored by its
    constraints and score instead. --to writes one row for each candidate, with
    its decisions as columns.
    """
    from gensynth.report.tensorboard import require_tensorboard
    from gensynth.report.trials_file import require_free

    # Before the campaign is opened, which may take a while.
    if to is not None:
        require_free(to)
    if tensorboard:
        require_tensorboard()
    campaign = gensynth.load(folder, experiment)
    written = []
    if to is not None:
        campaign.save_table(to)
        written.append(f"{len(campaign.outcomes):,} candidates written to {to}")
    if tensorboard:
        written.append(f"curves written: tensorboard --logdir {campaign.save_curves()}")
    if as_json:
        print_json(campaign.plain())
        return
    if front:
        campaign.show_front()
    else:
        campaign.show()
    for line in written:
        console().print(line, soft_wrap=True, highlight=False)
