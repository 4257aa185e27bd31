"""`gensynth push`: hand an exported network on, with a model card."""

from pathlib import Path
from typing import Annotated

import typer

import gensynth
from gensynth.report.terminal import console

Export = Annotated[Path, typer.Argument(help="An exported folder, or that of a campaign.")]
To = Annotated[str, typer.Option(help="A new folder, or hf:OWNER/NAME on the Hugging Face hub.")]
Private = Annotated[bool, typer.Option("--private", help="Make a new repository private.")]


def push(source: Export, to: To, private: Private = False) -> None:
    """Hand an exported network on, with a model card and its metrics as README.md.

    hf:OWNER/NAME needs the extra `hub`, and `hf auth login` once.
    """
    console().print(f"pushed to {gensynth.push(source, to, private)}", soft_wrap=True, markup=False)
