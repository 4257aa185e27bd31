"""`gensynth score`: what a network costs, and its universal performance U."""

from typing import Annotated, Any, Optional

import typer

import gensynth
from gensynth.cli.options import (
    MODELS,
    AsJson,
    ExperimentFile,
    NetChannels,
    NetClasses,
    PeerSize,
    count,
    percent,
    print_json,
)

Percent = Annotated[Optional[str], typer.Option(help="Top-1 in percent.")]  # noqa: UP045
Number = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="A count, such as 4240000, 4.24M or 0.569G; only without a MODEL."),
]

SomeModels = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Argument(metavar="[MODEL...]", help=MODELS),
]
Peers = Annotated[
    bool,
    typer.Option("--peers", help="Add the paper's peers, each with its published ImageNet top-1."),
]
Opinions = Annotated[
    Optional[bool],  # noqa: UP045
    typer.Option(
        "--opinions/--no-opinions",
        help="Count by fvcore and by torch, too, and explain differences above 0.1 %. "
        "Default: if the network is small.",
    ),
]


def score(
    models: SomeModels = None,
    top1: Percent = None,
    params: Number = None,
    macs: Number = None,
    peers: Peers = False,
    opinions: Opinions = None,
    experiment: ExperimentFile = None,
    image_size: PeerSize = None,
    channels: NetChannels = None,
    classes: NetClasses = None,
    as_json: AsJson = False,
) -> None:
    """Count networks and score them, or score three published numbers.

    Takes MODEL... or --peers or both, or else --top1, --params and --macs.
    Without --top1 and --experiment, the published ImageNet top-1 of a timm
    network counts. OFA-62 (`published:OFA-62`) is listed as published.
    """
    from gensynth.report.tables import show

    mine: dict[str, Any] = {
        "top1": None if top1 is None else percent(top1, "--top1"),
        "params": count(params, "--params"),
        "macs": count(macs, "--macs"),
        "experiment": experiment,
        "opinions": opinions,
        "image_size": image_size,
        "channels": channels,
        "classes": classes,
    }
    theirs: dict[str, Any] = {"experiment": experiment, "published": True, "opinions": opinions}
    named: list[str | None] = [*(models or ())]
    asked = [(name, mine) for name in (named if models or peers else [None])]
    asked += [(name, theirs) for name in gensynth.PEERS if peers and name not in named]
    rows = [gensynth.score(name, **how) for name, how in asked]
    if as_json:
        print_json([row.plain() for row in rows])
    elif models or peers:
        show(rows, explain=False)
    else:
        print(f"NetScore {rows[0].score:.2f} dB")
