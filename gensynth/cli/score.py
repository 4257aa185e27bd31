"""`gensynth score`: what a network costs, and its universal performance U."""

from typing import Annotated, Optional

import typer

from gensynth.cli.options import MODELS, AsJson, Channels, Classes, ExperimentFile, PeerSize
from gensynth.cli.rows import Row, print_json, show_rows
from gensynth.errors import InputError
from gensynth.evaluation.score import NetScore

_UNITS = {"k": 1e3, "M": 1e6, "G": 1e9}

Percent = Annotated[Optional[float], typer.Option(help="Top-1 in percent.", min=0, max=100)]  # noqa: UP045
Number = Annotated[Optional[str], typer.Option(help="A count, as 4240000, 4.24M or 0.569G.")]  # noqa: UP045

SomeModels = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Argument(metavar="[MODEL...]", help=MODELS),
]
Peers = Annotated[
    bool,
    typer.Option(
        "--peers", help="Beside the paper's peers, with the ImageNet top-1 published of each."
    ),
]


def score(
    models: SomeModels = None,
    top1: Percent = None,
    params: Number = None,
    macs: Number = None,
    peers: Peers = False,
    experiment: ExperimentFile = None,
    image_size: PeerSize = None,
    channels: Channels = 3,
    classes: Classes = 1000,
    as_json: AsJson = False,
) -> None:
    """Count networks and score them, or score three published numbers.

    Either MODEL... or --peers, or both, or --top1, --params and --macs alone.
    Without --top1 and --experiment, the published ImageNet top-1 of a timm
    network counts. OFA-62 (`published:OFA-62`) stands as published.
    """
    from gensynth.cli.judged import PEERS, Wanted, judged_row, wanted_by
    from gensynth.evaluation.constraint import Indicator

    if not models and not peers:
        _score_numbers(top1, params, macs, as_json)
        return
    if params is not None or macs is not None:
        raise InputError("--params, --macs", "are counted for a MODEL, not given")
    wanted = wanted_by(experiment, image_size, channels, classes)
    rows = [judged_row(name, wanted, top1) for name in models or ()]
    beside = Wanted(Indicator() if experiment else wanted.rules, wanted.score)
    rows += [judged_row(name, beside) for name in PEERS if peers and name not in (models or ())]
    show_rows(rows, as_json, explain=False)


def _score_numbers(top1: float | None, params: str | None, macs: str | None, as_json: bool) -> None:
    if top1 is None or params is None or macs is None:
        raise InputError("score", "give a MODEL, or all of --top1, --params and --macs")
    numbers = _count(params, "--params"), _count(macs, "--macs")
    try:
        value = NetScore().of(top1, *numbers)
    except ValueError as error:
        raise InputError("score", str(error)) from None
    row = Row("numbers").plain() | {"top1": top1, "score": value}
    row |= {"params": numbers[0], "macs": numbers[1]}
    print_json([row]) if as_json else print(f"NetScore {value:.2f} dB")


def _count(text: str, place: str) -> float:
    """Read `4240000`, `4.24M`, `0.569G`."""
    unit = _UNITS.get(text.strip()[-1:], 1.0)
    digits = text.strip()[:-1] if unit != 1.0 else text
    try:
        number = float(digits) * unit
    except ValueError:
        raise InputError(place, f"{text!r} is no count, such as 4240000, 4.24M or 0.569G") from None
    if not 0 < number < float("inf"):
        raise InputError(place, f"expected more than 0, got {text}")
    return number
