"""`gensynth check-plugin`: does a plugin keep the laws that searches rely on?"""

import tomllib
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
from rich.markup import escape

import gensynth
from gensynth.cli.options import AsJson, print_json
from gensynth.errors import InputError
from gensynth.report.terminal import console

if TYPE_CHECKING:
    from gensynth.testing import Check


KINDS = "search_space, constraint, score, generator, device, format or early_stopping"


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
        typer.Option(help=f"{KINDS}. Default: recognised by its methods."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the conformance checks of gensynth.testing on a plugin.

    Exits with 0 if the plugin keeps every law of its kind, and with 1 otherwise.
    """
    checks = gensynth.check_plugin(name, _table(option or []), kind)
    if as_json:
        print_json([{"law": c.law, "ok": c.ok, "broken": c.broken} for c in checks])
    else:
        _show(name, checks)
    raise typer.Exit(int(not all(check.ok for check in checks)))


def _show(name: str, checks: "list[Check]") -> None:
    printer = console()
    for check in checks:
        mark = "[green]ok[/]    " if check.ok else "[bold red]broken[/]"
        whole = not printer.is_terminal  # A terminal gets lines wrapped between words.
        printer.print(f"{mark} {escape(check.law)}", highlight=False, soft_wrap=whole)
        if not check.ok:
            printer.print(
                f"       {escape(check.broken)}", highlight=False, style="red", soft_wrap=True
            )
    kept = sum(check.ok for check in checks)
    printer.print(f"{name}: {kept} of {len(checks)} laws kept", highlight=False)


def _table(options: list[str]) -> dict[str, Any]:
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
