"""`gensynth compare`: how fast are networks, measured side by side?"""

from typing import TYPE_CHECKING, Annotated, Optional

import typer

import gensynth
from gensynth.cli.options import AsJson, Channels, Classes, PeerSize, print_json

if TYPE_CHECKING:
    from gensynth.latency.device import Comparison

MODELS = (
    "timm:NAME, SPACE:PRESET (attendnext:xa325), module:factory, a genome file, an exported "
    "folder, or an exported file (.onnx, also int8, or .pt2)."
)


Runtime = Annotated[
    str, typer.Option(help="Runtime, onnxruntime or torch. Default: the device's own.")
]
Threads = Annotated[int, typer.Option(help="Threads of the runtime.", min=1)]
Batch = Annotated[int, typer.Option(help="Images in one inference.", min=1)]
Reference = Annotated[
    Optional[str],  # noqa: UP045 - typer reads it at run time
    typer.Option(help="The MODEL that ratios refer to. Default: the first."),
]
Rounds = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(help="Samples of each network in each of 10 blocks. Default: 12."),
]
Device = Annotated[
    str, typer.Option(help="here, cortex-a72 (emulated), another installed one, or module:class.")
]


def compare(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help=MODELS)],
    runtime: Runtime = "",
    threads: Threads = 1,
    batch: Batch = 1,
    image_size: PeerSize = None,
    channels: Channels = 3,
    classes: Classes = 1000,
    reference: Reference = None,
    rounds: Rounds = None,
    device: Device = "here",
    as_json: AsJson = False,
) -> None:
    """Measure the latency of networks side by side.

    Networks are timed alternately in one run. The table shows the median and
    quartiles of one inference, and its ratio to the reference with a
    confidence interval; of a ratio too noisy to be meaningful, only a bound is
    given. An exported file is run by its own runtime: .onnx by ONNX Runtime
    (whether float or int8), .pt2 by torch.
    Trainings of gensynth on this machine pause meanwhile. With --device
    cortex-a72, instructions are counted in emulation and nothing is timed.
    """
    found = gensynth.compare(
        models,
        reference=reference,
        runtime=runtime,
        threads=threads,
        batch=batch,
        image_size=image_size,
        channels=channels,
        classes=classes,
        rounds=rounds,
        device=device,
    )
    if as_json:
        print_json(found.rows)
    else:
        _show(found)


def _show(found: "Comparison") -> None:
    from rich.markup import escape

    from gensynth.report.columns import Columns
    from gensynth.report.terminal import console

    rows = [tuple(map(escape, cells)) for cells in found.table]
    console().print(Columns(found.columns, rows, words=(0, 1)))
    console().print(found.note, markup=False, highlight=False)
