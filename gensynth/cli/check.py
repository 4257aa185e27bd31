"""`gensynth check`: does a network keep the constraints?"""

from typing import Annotated, Optional

import typer

import gensynth
from gensynth.cli.options import (
    AsJson,
    ExperimentFile,
    Models,
    NetChannels,
    NetClasses,
    PeerSize,
    print_json,
)

OnBoard = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--board", help="Must also fit this board in int8; see gensynth boards."),
]


def check(
    models: Models,
    experiment: ExperimentFile = None,
    board: OnBoard = None,
    image_size: PeerSize = None,
    channels: NetChannels = None,
    classes: NetClasses = None,
    as_json: AsJson = False,
) -> None:
    """Judge networks by the constraints of the paper, or by those of an experiment.

    Reports the verdict, the margin and the offending layers of each constraint,
    what the network costs, and into how many parallel columns each stage is
    divided and where these interact. Without --experiment, the published
    ImageNet top-1 of a timm network is judged, too.

    Exits with 0 if no enforced constraint is broken, with 1 if one is.
    """
    from gensynth.cli.check_report import print_check

    rows = [
        gensynth.check(
            name,
            experiment=experiment,
            board=board,
            image_size=image_size,
            channels=channels,
            classes=classes,
        )
        for name in models
    ]
    if as_json:
        print_json([row.plain() for row in rows])
    else:
        print_check(rows)
    raise typer.Exit(int(not all(row.ok for row in rows)))
