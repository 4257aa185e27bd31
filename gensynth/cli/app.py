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

_SEARCH, _USE, _JUDGE = "Search", "Use the network", "Judge networks"
_EXTEND = "Plugins and preparation"
"""The groups of commands in the help."""

app = typer.Typer(
    no_args_is_help=True,
    # The last line of the help stands above the prompt, where a newcomer reads first.
    epilog="Begin: gensynth search --data FOLDER (it holds one folder for each class)",
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


app.command("search", rich_help_panel=_SEARCH)(
    as_command(search.search, trusts=True, short=SHORTHANDS)
)
app.command("preflight", rich_help_panel=_SEARCH)(as_command(preflight.preflight, short=SHORTHANDS))
app.command("init", rich_help_panel=_SEARCH)(as_command(init.init, short=SHORTHANDS))
app.command("show", rich_help_panel=_SEARCH)(as_command(show.show, trusts=True))
app.command("report", rich_help_panel=_SEARCH)(as_command(report.report, trusts=True))
app.command("generate", rich_help_panel=_SEARCH)(
    as_command(generate.generate, trusts=True, short=LIMITS)
)
app.command("import", rich_help_panel=_SEARCH)(as_command(import_.import_))
app.command("finish", rich_help_panel=_SEARCH)(as_command(finish.finish, trusts=True))
app.command("predict", rich_help_panel=_USE)(as_command(predict.predict, trusts=True))
app.command("evaluate", rich_help_panel=_USE)(as_command(evaluate.evaluate, trusts=True))
app.command("export", rich_help_panel=_USE)(as_command(export.export, trusts=True, short=COSTS))
app.command("push", rich_help_panel=_USE)(as_command(push.push))
app.command("train", rich_help_panel=_USE)(as_command(train.train, trusts=True))
app.command("check", rich_help_panel=_JUDGE)(as_command(check.check, trusts=True))
app.command("score", rich_help_panel=_JUDGE)(as_command(score.score, trusts=True))
app.command("compare", rich_help_panel=_JUDGE)(as_command(compare.compare, trusts=True))
app.command("boards", rich_help_panel=_JUDGE)(as_command(boards.boards))
app.command("schema", rich_help_panel=_EXTEND)(as_command(schema.schema))
app.add_typer(device.device, name="device", rich_help_panel=_EXTEND)
app.add_typer(formats.format_, name="format", rich_help_panel=_EXTEND)
app.command("plugins", rich_help_panel=_EXTEND)(as_command(plugins.plugins))
app.command("check-plugin", rich_help_panel=_EXTEND)(as_command(check_plugin.check_plugin))
app.add_typer(new.new, name="new", rich_help_panel=_EXTEND)
