"""The JSON schema of an experiment file, made from the dataclasses that read it."""

import ast
import dataclasses
import inspect
import json
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from gensynth.campaign.campaign_folder import SCHEMA
from gensynth.campaign.experiment import RULE_KEYS, Experiment
from gensynth.campaign.experiment_tables import RuleTable, Stopping
from gensynth.errors import InputError
from gensynth.plugins import PluginKind, load_plugin, names
from gensynth.quantity import Quantity
from gensynth.serialization import fields_of, write_whole

_SCALARS: Mapping[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}
PLUGIN_TABLES: Mapping[str, PluginKind] = {
    "space": "search_space",
    "score": "score",
    "generator": "generator",
}
"""Keys whose value is a plugin's name, or a table with the plugin's own keys."""
ANY_RULE: Mapping[str, str] = {"$ref": "#/$defs/rule"}
"""The schema of a constraint's table that may name any constraint."""


def schema(to: str | Path | None = None) -> dict[str, Any]:
    """Return the JSON schema of an experiment file, for editors that complete and check it.

    It knows the plugins that are installed. What only a plugin's code can tell, such as that a
    limit must be above 0, is left to `gensynth preflight`. With `to`, it is written to that
    file, too.

    Raises:
        InputError: the file cannot be written.

    >>> import gensynth
    >>> sorted(gensynth.schema()["properties"])[:4]
    ['constraints', 'data', 'executor', 'fidelity']
    """
    made = _table(Experiment, skip=("space", "score", "generator", "constraints", "stopping"))
    properties = made["properties"]
    for key, kind in PLUGIN_TABLES.items():
        properties[key] = {
            "anyOf": [{"type": "string", "examples": names(kind)}, _plugin(kind, "use", ("use",))],
            "description": f"Name of a {kind.replace('_', ' ')}, or a table with its own keys.",
        }
    properties["stopping"] = _plugin("early_stopping", "rule", ("rule",), Stopping)
    properties["constraints"] = {
        "type": "object",
        "description": "One table for each constraint, by its name.",
        "properties": {name: _rule(name) for name in names("constraint")},
        "additionalProperties": ANY_RULE,
    }
    made.pop("required", None)  # The name is the file's by default; a space may come from --space.
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An experiment of gensynth",
        **made,
        "required": ["space"],
        "$defs": {"rule": _plugin("constraint", "use", RULE_KEYS, RuleTable)},
    }
    if to is not None:
        try:
            write_whole(Path(to), json.dumps(whole, indent=2, ensure_ascii=False) + "\n")
        except OSError as error:
            raise InputError(str(to), f"cannot be written ({error.strerror})") from None
    return whole


@cache
def schema_text() -> str:
    """Return the schema as the text of a file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def write_schema_beside(experiment: Path) -> None:
    """Write the schema that the first line of an experiment names; `InputError` if it cannot."""
    file = experiment.with_name(SCHEMA)
    try:
        if not file.exists() or file.read_text(encoding="utf-8") != schema_text():
            write_whole(file, schema_text())
    except (OSError, UnicodeError) as error:
        problem = f"cannot be written ({getattr(error, 'strerror', error)})"
        raise InputError(str(file), problem) from None


def _plugin(
    kind: PluginKind, key: str, own: Sequence[str], table: type | None = None
) -> dict[str, Any]:
    """Return the schema of a table that names a plugin by `key` and holds the plugin's keys."""
    common = _table(table, skip=("options",))["properties"] if table else {}
    common[key] = {"type": "string", "examples": names(kind)}
    common["options"] = {"type": "object"}  # As a campaign's own file states them.
    branches = []
    for name in names(kind):
        plugin = load_plugin(kind, name, "schema")
        keys = _keys(plugin)
        if keys is None:
            continue
        branches.append(
            {
                "if": {"properties": {key: {"const": name}}, "required": [key]},
                "then": {
                    "properties": {**common, **keys},
                    "additionalProperties": False,
                },
            }
        )
    made: dict[str, Any] = {"type": "object", "properties": common}
    return made | ({"allOf": branches} if branches else {})


def _rule(name: str) -> dict[str, Any]:
    """Return the schema of `[constraints.NAME]`, where NAME is an installed constraint."""
    plugin = load_plugin("constraint", name, "schema")
    common = _table(RuleTable, skip=("options",))["properties"]
    keys = _keys(plugin) or {}
    closed = {"properties": {**common, "options": {"type": "object"}, **keys}}
    return {
        "type": "object",
        "description": " ".join((inspect.getdoc(plugin) or "").split()),
        "if": {"not": {"properties": {"use": {"not": {"const": name}}}, "required": ["use"]}},
        "then": {**closed, "additionalProperties": False},
        "else": ANY_RULE,
    }


def _keys(plugin: Any) -> dict[str, Any] | None:
    """Return the schema of each key of a plugin; None if they cannot be told."""
    if isinstance(plugin, type) and dataclasses.is_dataclass(plugin):
        return dict(_table(plugin)["properties"])
    return None


def _table(kind: type, skip: Sequence[str] = ()) -> dict[str, Any]:
    """Return the schema of a table that is read into a dataclass."""
    told, kinds = described(kind), fields_of(kind)
    properties = {}
    for field in dataclasses.fields(kind):
        if field.init and field.name not in skip:
            properties[field.name] = _of(kinds[field.name]) | _facts(field, told)
    needed = [
        field.name
        for field in dataclasses.fields(kind)
        if field.name in properties
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    table: dict[str, Any] = {"type": "object", "properties": properties}
    table["additionalProperties"] = False
    return table | ({"required": needed} if needed else {})


def _facts(field: "dataclasses.Field[Any]", told: Mapping[str, str]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if field.name in told:
        facts["description"] = " ".join(told[field.name].split())
    if isinstance(field.default, (bool, int, float, str)):
        facts["default"] = field.default
    return facts


def _of(kind: Any) -> dict[str, Any]:
    """Return the schema of a type that `serialization` reads."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in _SCALARS:
        return {"type": _SCALARS[kind]}
    if origin is Annotated:
        quantity = next((note for note in arguments[1:] if isinstance(note, Quantity)), None)
        number = _of(arguments[0])
        return number if quantity is None else {"anyOf": [number, _text(quantity)]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, UnionType):
        kinds = [_of(each) for each in arguments if each is not NoneType]
        return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _table(kind)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of(arguments[1])}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return {"type": "array", "items": _of(arguments[0])}
    return {}


def _text(quantity: Quantity) -> dict[str, Any]:
    """Return the schema of a number with its unit."""
    units = "|".join(unit for unit, _ in quantity.units)
    number = r"\d[\d_,]*(\.\d+)?([eE][+-]?\d+)?"
    return {"type": "string", "pattern": rf"^\s*{number}\s*({units})?\s*$"}


@cache
def described(kind: type) -> Mapping[str, str]:
    """Return the strings that stand under the fields of a class and of those it inherits."""
    found: dict[str, str] = {}
    for parent in reversed(kind.__mro__[:-1]):
        try:
            body = ast.parse(dedent(inspect.getsource(parent))).body[0]
        except (OSError, TypeError):
            continue
        lines = body.body if isinstance(body, ast.ClassDef) else []
        for line, after in pairwise(lines):
            field = isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
            if field and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                found[ast.unparse(line.target)] = inspect.cleandoc(str(after.value.value))  # type: ignore[attr-defined]
    return found
