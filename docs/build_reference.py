"""Write two pages from the code: docs/reference.md and docs/plugin_objects.md.

    python docs/build_reference.py

The first holds commands, the experiment file and the plugins shipped, the second what a plugin is
given. `tests/docs/test_docs.py` holds both equal to what this gives.
"""

import dataclasses
import inspect
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import typer.main

import gensynth
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


OBJECTS_PAGE = PAGE.with_name("plugin_objects.md")
OBJECTS: dict[str, tuple[str, ...]] = {
    "What a constraint or a score is given": (
        "Candidate", "Graph", "Layer", "Profile", "Measurement",
    ),
    "What it answers, and what becomes of the answer": ("Verdict", "Judgement"),
    "What a search space is given, and what it returns": ("Task", "Source"),
    "What a device is given, and what it returns": (
        "LatencyJob", "Question", "Model", "Latency", "Interval",
    ),
    "What a format is given": ("Deployment",),
    "What a rule for early stopping is given": ("Running", "Curve"),
    "What a generator and a tracker are given": ("Problem", "Proposal", "Outcome"),
}  # fmt: skip
"""Public classes by who meets them."""


def main() -> None:
    """Write the pages."""
    PAGE.write_text(reference(), encoding="utf-8")
    OBJECTS_PAGE.write_text(objects(), encoding="utf-8")


def objects() -> str:
    """Give the page about the objects that plugins get."""
    parts = [
        "# What a plugin is given",
        "Every public attribute and method of the objects that plugins get and return. Made from "
        "the code by `python docs/build_reference.py`. All of them are imported from `gensynth`.",
    ]
    for title, classes in OBJECTS.items():
        parts += [f"## {title}", *(_object_section(getattr(gensynth, each)) for each in classes)]
    return "\n\n".join(parts) + "\n"


def _object_section(kind: type) -> str:
    text = (inspect.getdoc(kind) or "").partition("\n>>>")[0].strip()
    head = ["| attribute | what |", "|---|---|"]
    rows = [f"| `{name}` | {_cell(what)} |" for name, what in _attributes(kind).items()]
    return "\n\n".join([f"### `{kind.__name__}`", text, "\n".join([*head, *rows])])


def _attributes(kind: type) -> dict[str, str]:
    """Return what is said of each public attribute and method, fields first."""
    told = {name: what for name, what in described(kind).items() if not name.startswith("_")}
    if kind is gensynth.Judgement:
        told = {**described(gensynth.Verdict), **told}  # It keeps the fields of the verdict.
    fields = [f.name for f in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []
    told.pop("former_fields", None)  # For records only.
    names = dict.fromkeys([*getattr(kind, "_fields", ()), *fields])
    found = {name: told.get(name, "") for name in names if not name.startswith("_")}
    inherited = dir(tuple) if issubclass(kind, tuple) else ()
    for name in dir(kind):
        member = inspect.getattr_static(kind, name)
        if name.startswith("_") or name == "former_fields" or name in found or name in inherited:
            continue
        first = (inspect.getdoc(getattr(kind, name)) or "").partition("\n\n")[0]
        callable_ = isinstance(member, (classmethod, staticmethod)) or inspect.isfunction(member)
        found[f"{name}()" if callable_ else name] = first
    return found


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
