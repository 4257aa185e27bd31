"""`gensynth show`: how a campaign stands, also under other rules, without training."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from gensynth.cli.options import AsJson, ExperimentFile

if TYPE_CHECKING:
    from gensynth.evaluation.outcome import Outcome
    from gensynth.exports.publish import Published


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
    from gensynth.campaign.experiment import read_experiment
    from gensynth.campaign.folder import viewing
    from gensynth.cli.standings import exported_before, show_campaign
    from gensynth.cli.trials_file import require_free, write_trials
    from gensynth.report.tensorboard import FOLDER, Curves

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
    published = exported_before(campaign)
    show_campaign(campaign, as_json, published)
    if not as_json:
        _end(campaign.untrained(), published, written)


def _end(untrained: "Sequence[Outcome]", published: "Published | None", written: list[str]) -> None:
    """Say what lies where: the exported network, candidates nobody trained, files just written."""
    from gensynth.cli.standings import show_end

    if published is not None:
        show_end("", published)
    told = [f"feasible, untrained: {o.number} ({o.genome_id})" for o in untrained]
    for line in [*told, *written]:
        Console().print(line, soft_wrap=True, highlight=False)
