"""`gensynth search`: run a campaign from an experiment to an exported network."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich.markup import escape

import gensynth
from gensynth.cli.options import (
    AsJson,
    ClassLevel,
    ExperimentOrSuited,
    Images,
    ResizedTo,
    Short,
    as_typed,
    print_json,
    search_command,
)
from gensynth.process import exit_code
from gensynth.report.terminal import console

# typer reads these at run time, so they are spelled the old way.
Text = Optional[str]  # noqa: UP045
Number = Optional[int]  # noqa: UP045
File = Optional[Path]  # noqa: UP045


Out = Annotated[File, typer.Option(help="Folder of the campaign. Default: runs/NAME.")]
Trials = Annotated[Number, typer.Option(help="Number of candidates to train.")]
Minutes = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(help="End after this time, finals and last training included."),
]
NamedGenerator = Annotated[
    Text, typer.Option(help="gensynth, random, tpe, gp, nsgaii, evolution, or module:maker.")
]
NamedScore = Annotated[
    Text, typer.Option(help="What is pursued: netscore, accuracy, or another score.")
]
NamedExecutor = Annotated[
    Text, typer.Option(help="ray (all cores, or a cluster) or inline (this process).")
]
Address = Annotated[
    Text, typer.Option(help="HOST:PORT of a running Ray cluster. Default: this machine.")
]
Storage = Annotated[
    Text, typer.Option(help="Database URL of the record. Default: study.db in the folder.")
]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="Train as many candidates again as have failed.")
]
Track = Annotated[
    Text, typer.Option(help="Where else each training is kept, by commas: mlflow, trackio.")
]
From = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--from",
        help="Folder of an earlier campaign, or a file of `import`, to learn from first. "
        "May be repeated.",
    ),
]
Seed = Annotated[Number, typer.Option(help="Random seed.")]


def search(
    experiment: ExperimentOrSuited = None,
    data: Images = None,
    image_size: ResizedTo = None,
    class_level: ClassLevel = None,
    out: Out = None,
    trials: Trials = None,
    minutes: Minutes = None,
    score: NamedScore = None,
    generator: NamedGenerator = None,
    executor: NamedExecutor = None,
    address: Address = None,
    storage: Storage = None,
    seed: Seed = None,
    retry_failed: RetryFailed = False,
    track: Track = None,
    earlier: From = None,
    as_json: AsJson = False,
    short: Short = {},  # noqa: B006 - never changed
) -> None:
    """Search, train and export a network.

    Run the same command again to resume an interrupted campaign, or with a
    larger --trials to extend a finished one.

    Exits with 0 if a network was exported, with 1 if no candidate was feasible.
    """
    given: dict[str, Any] = {
        "data": data, "image_size": image_size, "class_level": class_level, "out": out,
        "trials": trials, "minutes": minutes, "score": score, "generator": generator,
        "executor": executor, "address": address, "storage": storage, "seed": seed, "track": track,
        "earlier": earlier or (),
    }  # fmt: skip
    try:
        how: dict[str, Any] = {"progress": not as_json, "retry_failed": retry_failed}
        campaign = gensynth.search(experiment, **given, **short, **how)
    except gensynth.Interrupted as interrupted:
        _show_interrupted(
            interrupted.campaign, {"": experiment, **given, **as_typed(short)}, as_json
        )
        raise typer.Exit(exit_code(interrupted)) from None
    _show(campaign, as_json)
    raise typer.Exit(0 if campaign.published else 1)


def _show(campaign: "gensynth.Campaign", as_json: bool) -> None:
    if as_json:
        print_json(campaign.plain())
    elif campaign.hopeless is None:
        campaign.show()


def _show_interrupted(
    campaign: "gensynth.Campaign", typed: Mapping[str, object], as_json: bool
) -> None:
    """Show how far the campaign came, and the command that resumes it."""
    with suppress(OSError):  # The terminal may have gone.
        _show(campaign, as_json)
    console(stderr=True).print(
        f"Recorded outcomes: {len(campaign.outcomes)}; trainings to resume: {campaign.running}. "
        f"Resume with:\n{escape(search_command({**typed, 'json': as_json or None}))}",
        soft_wrap=True,
        highlight=False,
    )
