"""`gensynth compare`: how fast are networks, measured side by side?"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from gensynth.cli.options import AsJson, Channels, Classes, PeerSize
from gensynth.errors import InputError
from gensynth.evaluation.latency import HERE, Question

if TYPE_CHECKING:
    from gensynth.latency.device import Comparison

MODELS = (
    "timm:NAME, SPACE:PRESET (attendnext:xa325), module:factory, a genome file or an exported "
    "folder."
)
OPTIONS = ("runtime", "threads", "batch", "device", "rounds")
"""Fields of a question that are options of the command."""


def compare(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help=MODELS)],
    runtime: Annotated[
        str, typer.Option(help="onnxruntime or torch; default: what the device runs.")
    ] = "",
    threads: Annotated[int, typer.Option(help="Threads of the runtime.", min=1)] = 1,
    batch: Annotated[int, typer.Option(help="Images in one inference.", min=1)] = 1,
    image_size: PeerSize = None,
    channels: Channels = 3,
    classes: Classes = 1000,
    reference: Annotated[
        Optional[str],  # noqa: UP045 - typer reads it at run time
        typer.Option(help="The MODEL that ratios refer to. Default: the first."),
    ] = None,
    rounds: Annotated[
        Optional[int],  # noqa: UP045 - typer reads it at run time
        typer.Option(help="Samples of each network in each of 10 blocks. Default: 12."),
    ] = None,
    device: Annotated[
        str,
        typer.Option(help="here, cortex-a72 (emulated), another installed one, or module:class."),
    ] = HERE,
    as_json: AsJson = False,
) -> None:
    """Measure the latency of networks side by side.

    Networks are timed alternately in one run. The table shows the median and
    quartiles of one inference, and its ratio to the reference with a
    confidence interval; ratios too noisy to be meaningful are omitted.
    Trainings of gensynth on this machine pause meanwhile. With --device
    cortex-a72, instructions are counted in emulation and nothing is timed.
    """
    from gensynth.latency.comparison import compare as compare_networks
    from gensynth.plugins import looking_in

    names = [*([reference] if reference else []), *models]
    here, images = Path.cwd(), (image_size, channels, classes)
    with _as_options(), redirect_stdout(sys.stderr):  # What a network prints is no answer of ours.
        if rounds is not None and rounds < 1:
            raise InputError("rounds", f"must be at least 1, got {rounds}")
        with looking_in(here):
            question = Question(runtime, threads, batch, device)
        found = compare_networks(names, question, here, *images, rounds)
    if as_json:
        typer.echo(json.dumps(found.rows, indent=2))
    else:
        _show(found)


@contextmanager
def _as_options() -> Iterator[None]:
    """Name the option where a mistake lies in a field that is an option here."""
    try:
        yield
    except InputError as error:
        if error.place not in OPTIONS:
            raise
        raise InputError(f"--{error.place}", error.problem) from error


def _show(found: "Comparison") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from gensynth.report.tables import wide_console

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for position, heading in enumerate(found.columns):
        justify: Any = "left" if position < 2 else "right"
        table.add_column(heading, justify=justify, no_wrap=position > 0, overflow="fold")
    for cells in found.table:
        table.add_row(*map(escape, cells))
    console = wide_console()
    console.print(table)
    console.print(found.note, soft_wrap=True, markup=False)
