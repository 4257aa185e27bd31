"""The typer application: the commands by name."""

from importlib.metadata import version
from typing import Annotated

import typer

from gensynth.api.shorthands import COSTS, LIMITS, SHORTHANDS
from gensynth.cli import (
    boards,
    check,
    check_plugin,
    compare,
    device,
    evaluate,
    export,
    finish,
    formats,
    generate,
    import_,
    init,
    new,
    plugins,
    predict,
    preflight,
    push,
    report,
    schema,
    score,
    search,
    show,
    train,
)
from gensynth.cli.options import as_command

app = typer.Typer(
    no_args_is_help=True,
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


app.command("search")(as_command(search.search, trusts=True, short=SHORTHANDS))
app.command("init")(as_command(init.init, short=SHORTHANDS))
app.command("schema")(as_command(schema.schema))
app.command("preflight")(as_command(preflight.preflight, short=SHORTHANDS))
app.command("finish")(as_command(finish.finish, trusts=True))
app.command("show")(as_command(show.show, trusts=True))
app.command("report")(as_command(report.report, trusts=True))
app.command("export")(as_command(export.export, trusts=True, short=COSTS))
app.command("import")(as_command(import_.import_))
app.command("push")(as_command(push.push))
app.command("predict")(as_command(predict.predict, trusts=True))
app.command("evaluate")(as_command(evaluate.evaluate, trusts=True))
app.command("check")(as_command(check.check, trusts=True))
app.command("score")(as_command(score.score, trusts=True))
app.command("compare")(as_command(compare.compare, trusts=True))
app.command("train")(as_command(train.train, trusts=True))
app.command("generate")(as_command(generate.generate, trusts=True, short=LIMITS))
app.add_typer(device.device, name="device")
app.command("boards")(as_command(boards.boards))
app.add_typer(formats.format_, name="format")
app.command("plugins")(as_command(plugins.plugins))
app.command("check-plugin")(as_command(check_plugin.check_plugin))
app.add_typer(new.new, name="new")
