"""`gensynth format setup`: prepare what a format of export needs."""

from typing import Annotated, Optional

import typer

import gensynth

format_ = typer.Typer(no_args_is_help=True, help="Formats that networks are exported in.")


@format_.callback()
def _format() -> None:
    """Formats that networks are exported in."""


@format_.command()
def setup(
    name: Annotated[
        str, typer.Argument(metavar="FORMAT", help="An installed format, or module:class.")
    ],
    python: Annotated[
        Optional[str],  # noqa: UP045 - typer reads it at run time
        typer.Option(help="Python of an environment that has the packages already."),
    ] = None,
) -> None:
    """Prepare a format and try it. Run again, it only tries what is there.

    tflite (also for tflite-int8 and c) takes the converter and the runtimes of
    TensorFlow Lite from PyPI, about 2 GB, into an environment of its own in the
    cache folder ($GENSYNTH_CACHE or ~/.cache/gensynth).
    """
    gensynth.setup_format(name, typer.echo, python)
