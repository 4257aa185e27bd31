"""The typer application: the commands by name."""

from importlib.metadata import version
from typing import Annotated

import typer

from gensynth.cli import (
    check,
    check_plugin,
    compare,
    device,
    export,
    generate,
    new,
    plugins,
    preflight,
    report,
    score,
    search,
    show,
    train,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gensynth {version('gensynth')}")
        raise typer.Exit


@app.callback()
def gensynth(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Neural architecture search by generative synthesis, for tiny vision networks."""


app.command("search")(search.search)
app.command("preflight")(preflight.preflight)
app.command("show")(show.show)
app.command("report")(report.report)
app.command("export")(export.export)
app.command("check")(check.check)
app.command("score")(score.score)
app.command("compare")(compare.compare)
app.command("train")(train.train)
app.command("generate")(generate.generate)
app.add_typer(device.device, name="device")
app.command("plugins")(plugins.plugins)
app.command("check-plugin")(check_plugin.check_plugin)
app.add_typer(new.new, name="new")
