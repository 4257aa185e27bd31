"""`gensynth schema`: the JSON schema of an experiment file, for editors."""

import json
from pathlib import Path
from typing import Annotated, Optional

import typer

import gensynth
from gensynth.cli.options import print_json
from gensynth.errors import InputError
from gensynth.serialization import write_whole


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
    made = gensynth.schema()
    if to is None:
        print_json(made)
        return
    try:
        write_whole(to, json.dumps(made, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise InputError(str(to), f"cannot be written ({error.strerror})") from None
    typer.echo(f"written: {to}")
