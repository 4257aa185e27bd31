"""`gensynth schema`: the JSON schema of an experiment file, for editors."""

from pathlib import Path
from typing import Annotated, Optional

import typer

import gensynth
from gensynth.cli.options import print_json


def schema(
    to: Annotated[
        Optional[Path],  # noqa: UP045 - typer reads it at run time
        typer.Option(help="File to write. Default: standard output."),
    ] = None,
) -> None:
    """Print the JSON schema of an experiment file, for editors that complete and check it.

    A file names it in its first line, `#:schema ./gensynth.schema.json`, as those of
    `gensynth init` do; editors with a TOML extension (Even Better TOML, taplo) read that.
    """
    made = gensynth.schema(to)
    if to is None:
        print_json(made)
    else:
        typer.echo(f"written: {to}")
