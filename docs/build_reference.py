"""Write docs/reference.md from the code: commands, the experiment file, the plugins shipped.

    python docs/build_reference.py          # writes docs/reference.md

`tests/docs/test_docs.py` holds the page equal to what this gives.
"""

import dataclasses
import inspect
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import typer.main

from gensynth.api.schema import described
from gensynth.campaign.experiment import Experiment
from gensynth.campaign.experiment_tables import Finals, LastTraining, Resources, RuleTable, Stopping
from gensynth.cli.app import app
from gensynth.data.sets import DataSettings
from gensynth.plugins import load_plugin, names
from gensynth.training.job import Recipe

PAGE = Path(__file__).parent / "reference.md"
TABLES: dict[str, type] = {
    "": Experiment,
    "data": DataSettings,
    "proxy": Recipe,
    "stopping": Stopping,
    "finals": Finals,
    "last_training": LastTraining,
    "resources": Resources,
    "constraints.NAME": RuleTable,
}
"""Tables of an experiment file."""
PLUGIN_TABLES = ("space", "score", "generator", "constraints", "folder", *filter(None, TABLES))


def main() -> None:
    """Write the page."""
    PAGE.write_text(reference(), encoding="utf-8")


def reference() -> str:
    """Give the whole page."""
    parts = [
        "# Reference",
        "Made from the code by `python docs/build_reference.py`.",
        "## Commands",
        *_commands(),
        "## The experiment file",
        "TOML. What is left out has its default; a mistake is one line with the place and the "
        "nearest valid word. `space`, `score` and `generator` are a plugin's name, or a table with "
        "the name as `use` and the plugin's own keys; so is each `[constraints.NAME]`.",
        *(_table_section(name, kind) for name, kind in TABLES.items()),
        "## Plugins",
        *_plugins(),
    ]
    return "\n\n".join(parts) + "\n"


def _commands() -> Iterator[str]:
    root: Any = typer.main.get_command(app)
    for name, command in _walk(root, "gensynth"):
        usage = " ".join(_usage(parameter) for parameter in command.params if _shown(parameter))
        text = dedent(command.help or "").strip().split("\f")[0]
        yield f"### `{name} {usage}`".replace(" `", "`") if not usage else f"### `{name} {usage}`"
        yield text
        options = [p for p in command.params if _shown(p) and p.param_type_name == "option"]
        if options:
            rows = [f"| `{max(p.opts, key=len)}` | {_cell(p.help or '')} |" for p in options]
            yield "\n".join(["| option | what |", "|---|---|", *rows])


def _walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    for word, child in sorted(getattr(command, "commands", {}).items()):
        if hasattr(child, "commands"):
            yield from _walk(child, f"{name} {word}")
        else:
            yield f"{name} {word}", child


def _shown(parameter: Any) -> bool:
    return parameter.name != "help" and not getattr(parameter, "hidden", False)


def _usage(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        word = parameter.metavar or parameter.name.upper()
        return word if parameter.required else f"[{word}]"
    return f"[{max(parameter.opts, key=len)}]"


def _table_section(name: str, kind: type) -> str:
    title = f"`[{name}]`" if name else "At the top"
    text = inspect.getdoc(kind) or ""
    rows = list(_fields(kind, skip=PLUGIN_TABLES if not name else ("options",)))
    head = ["| key | default | what |", "|---|---|---|"]
    return "\n\n".join([f"### {title}", text, "\n".join([*head, *rows])])


def _fields(kind: type, skip: tuple[str, ...] = ()) -> Iterator[str]:
    told = described(kind)
    for field in dataclasses.fields(kind):
        if field.name not in skip and field.init:
            default = "NAME" if (kind, field.name) == (RuleTable, "use") else _default(field)
            yield f"| `{field.name}` | {default} | {_cell(told.get(field.name, ''))} |"


def _default(field: "dataclasses.Field[Any]") -> str:
    if field.default is not dataclasses.MISSING:
        value = field.default
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        return "the file's name" if field.name == "name" else "needed"
    words = {None: "", True: "`true`", False: "`false`"}
    if value is None or isinstance(value, bool):
        return words[value]
    text = repr(list(value) if isinstance(value, tuple) else value).replace("'", '"')
    return f"`{_cell(text)}`"


def _plugins() -> Iterator[str]:
    for kind, title in (
        ("constraint", "Constraints"),
        ("score", "Scores"),
        ("search_space", "Search spaces"),
        ("device", "Devices"),
        ("format", "Export formats"),
        ("early_stopping", "Rules for early stopping"),
    ):
        yield f"### {title}"
        for name in names(kind):  # type: ignore[arg-type]
            plugin = load_plugin(kind, name, "reference")  # type: ignore[arg-type]
            rows = list(_fields(plugin))
            needs = getattr(plugin, "needs", "")
            stage = f" Needs: {needs}." if needs else ""
            parts = [f"#### `{name}`", (inspect.getdoc(plugin) or "") + stage]
            if rows:
                head = ["| key | default | what |", "|---|---|---|"]
                parts.append("\n".join([*head, *rows]))
            yield "\n\n".join(parts)
    yield "### Generators"
    for name in names("generator"):
        maker = load_plugin("generator", name, "reference")
        options = [
            f"`{p.name}` ({p.default})"
            for p in list(inspect.signature(maker).parameters.values())[2:]
            if p.default is not p.empty
        ]
        text = (inspect.getdoc(maker) or "").partition("\n")[0]
        yield f"- `{name}`: {text}" + (f" Options: {', '.join(options)}." if options else "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
