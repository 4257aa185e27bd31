"""`gensynth export`: write a network as a folder that needs only torch, and in other formats."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Optional

import typer

import gensynth
from gensynth.cli.options import Short, print_measurement, words
from gensynth.report.terminal import console

Given = Optional[int]  # noqa: UP045 - typer reads it at run time
_PIXELS = "Height and width of the input in pixels. Default: 224, or a campaign's."
Size = Annotated[Given, typer.Option(help=_PIXELS, min=1)]
ChannelCount = Annotated[Given, typer.Option(help="Channels of the input. Default: 3.", min=1)]
ClassCount = Annotated[Given, typer.Option(help="Number of classes. Default: 1000.", min=1)]
TrainFirst = Annotated[
    bool, typer.Option("--train", help="Train a candidate without weights first.")
]
_FORMATS = (
    "Comma-separated: torch, onnx, pt2, int8, executorch, tflite, tflite-int8, c, or another."
)
Formats = Annotated[str, typer.Option("--format", help=_FORMATS)]
Source = Annotated[
    str, typer.Argument(help="DIR, DIR:ID, an exported or trained folder, or another MODEL.")
]


def export(
    source: Source,
    to: Annotated[Path, typer.Option(help="Folder to write; must not exist.")],
    format_: Formats = "torch",
    data: Annotated[
        Optional[str],  # noqa: UP045 - typer reads it at run time
        typer.Option(help="Images to compare formats on. Default: its training's, else noise."),
    ] = None,
    image_size: Size = None,
    channels: ChannelCount = None,
    classes: ClassCount = None,
    train: TrainFirst = False,
    short: Short = {},  # noqa: B006 - never changed
) -> None:
    """Write a network as standalone PyTorch code with weights, genome and card.

    DIR is the winner of a campaign, DIR:ID (a number or a genome) any candidate
    or reference of it. Finalists, references, what `gensynth train` has trained
    and exported folders keep their weights; so does every candidate of an
    experiment with `keep_weights = true`. Others get fresh weights, unless
    --train trains a candidate as [last_training] says. Other formats have batch
    normalization folded in and are compared with the PyTorch network on images
    when they are written.

    With limits, the most accurate member of a campaign's front within them is
    written (`gensynth show --front`).

    Exits with 1 if an exported format gives different outputs; that file is
    removed.
    """
    from gensynth.report.use import uses

    try:
        exported = gensynth.export(
            source,
            to,
            words(format_),
            data=data,
            image_size=image_size,
            channels=channels,
            classes=classes,
            train=train,
            watch=print_measurement,
            **short,
        )
    except gensynth.ExportError as error:
        typer.echo(f"gensynth: {source}: not exported: {error}", err=True)
        raise typer.Exit(1) from None
    for line in _told(exported):
        _print(line)
    _print(f"\nexported to {to}")
    # Names of files and commands are copied, so a line of them is never broken.
    for line in uses(exported.folder, trained=exported.input_shape is None):
        _print(f"  {line}", wrapped=False)
    raise typer.Exit(int(not exported.agrees))


def _told(exported: "gensynth.Exported") -> Iterator[str]:
    """Yield where the weights come from, and how each format compares with the network."""
    if exported.origin:
        yield f"weights from {exported.origin}"
    if exported.input_shape is not None:
        shape = " x ".join(map(str, exported.input_shape))
        yield f"fresh weights: this network was not trained; it takes {shape} images"
    yield from map(str, exported.agreements)


def _print(line: str, wrapped: bool = True) -> None:
    printer = console()
    soft = not (wrapped and printer.is_terminal)
    printer.print(line, soft_wrap=soft, highlight=False, markup=False)
