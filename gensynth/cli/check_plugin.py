"""`gensynth check-plugin`: does a plugin keep the laws that searches rely on?"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
from rich.console import Console
from rich.markup import escape

from gensynth.cli.options import AsJson
from gensynth.errors import InputError, unknown
from gensynth.plugins import KINDS, PluginKind, create, load, names

if TYPE_CHECKING:
    from gensynth.testing import Check

METHODS: Mapping[PluginKind, tuple[str, ...]] = {
    "search_space": ("sample", "source"),
    "device": ("runtime", "check", "measure"),
    "format": ("check", "write", "open"),
    "early_stopping": ("stops",),
}
"""Methods by which the kind of a class is recognised; constraints and scores are called."""


def check_plugin(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="An installed name, or module:class.")
    ],
    option: Annotated[
        Optional[list[str]],  # noqa: UP045 - typer reads it at run time
        typer.Option(metavar="KEY=VALUE", help="A field of the plugin, as TOML. May be repeated."),
    ] = None,
    kind: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help=f"{', '.join(KINDS)}. Default: recognised by its methods."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the conformance checks of gensynth.testing on a plugin.

    Exits with 0 if the plugin keeps every law of its kind, and with 1 otherwise.
    """
    from gensynth.cli.options import print_json

    checks = _checks(name, kind, _table(option or []))
    if as_json:
        print_json([{"law": c.law, "ok": c.ok, "broken": c.broken} for c in checks])
    else:
        _show(name, checks)
    raise typer.Exit(int(not all(check.ok for check in checks)))


def _show(name: str, checks: "list[Check]") -> None:
    console = Console()
    for check in checks:
        mark = "[green]ok[/]    " if check.ok else "[bold red]broken[/]"
        console.print(f"{mark} {escape(check.law)}", highlight=False, soft_wrap=True)
        if not check.ok:
            console.print(
                f"       {escape(check.broken)}", highlight=False, style="red", soft_wrap=True
            )
    kept = sum(check.ok for check in checks)
    console.print(f"{name}: {kept} of {len(checks)} laws kept", highlight=False)


def _checks(name: str, kind: str | None, table: Mapping[str, Any]) -> "list[Check]":
    from gensynth import testing

    kind = kind or _kind(name)
    if kind == "generator":
        if table:
            raise InputError("--option", "a generator is checked with its defaults")
        return testing.check_generator(load("generator", name, name, Path.cwd()))
    check = {
        "search_space": testing.check_space,
        "constraint": testing.check_constraint,
        "score": testing.check_score,
        "device": testing.check_device,
        "format": testing.check_format,
        "early_stopping": testing.check_early_stopping,
    }.get(kind)
    if check is None:
        raise unknown("--kind", "kind", kind, KINDS)
    checks: list[Check] = check(create(kind, name, table, name, Path.cwd()))  # type: ignore[arg-type, operator]
    return checks


def _kind(name: str) -> str:
    """Return the kind of a plugin: that of its entry point, or that of its methods."""
    if ":" not in name:
        for kind in KINDS:
            if name in names(kind):
                return kind
        raise unknown(name, "plugin", name, [n for kind in KINDS for n in names(kind)])
    plugin = load("constraint", name, name, Path.cwd())
    if not isinstance(plugin, type):
        return "generator"
    for kind, methods in METHODS.items():
        if all(hasattr(plugin, method) for method in methods):
            return kind
    returns = getattr(plugin.__call__, "__annotations__", {}).get("return")
    return "score" if returns in (float, "float") else "constraint"


def _table(options: list[str]) -> dict[str, Any]:
    import tomllib

    table: dict[str, Any] = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not key.strip():
            raise InputError("--option", f"expected KEY=VALUE, got {option!r}")
        try:
            table[key.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            table[key.strip()] = value  # A word without quotation marks
    return table
