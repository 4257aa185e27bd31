"""The typer application: the commands by name."""

import typer

from gensynth.cli import check, compare, export, generate, plugins, score, search, show, train

app = typer.Typer(
    help="Neural architecture search by generative synthesis, for tiny vision networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("search")(search.search)
app.command("show")(show.show)
app.command("export")(export.export)
app.command("check")(check.check)
app.command("score")(score.score)
app.command("compare")(compare.compare)
app.command("train")(train.train)
app.command("generate")(generate.generate)
app.command("plugins")(plugins.plugins)
