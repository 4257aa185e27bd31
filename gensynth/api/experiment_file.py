"""Writing an experiment file with comments: an embedded one, with the values that are asked for."""

import json
import os
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from gensynth.api.experiments import data_path, embedded
from gensynth.api.schema import write_schema_beside
from gensynth.api.shorthands import SHORTHANDS, Shorthand, read_shorthands
from gensynth.campaign.campaign_folder import SCHEMA_LINE
from gensynth.campaign.experiment import parse_experiment
from gensynth.errors import InputError

NAMED = {"data": "path", "image_size": "image_size", "class_level": "class_level"}
"""Keywords for keys of the table `[data]`."""
TOP = ("trials", "score", "generator", "executor", "seed")
"""Keywords for keys at the top of the file."""


def new_experiment(file: str | Path, **given: float | str | Path | None) -> Path:
    """Write an experiment file with comments, to be changed and then searched.

    Args:
        file: the file to write.
        given: keywords of `gensynth.search` that the file is to state: `data`, `image_size`,
            `class_level`, `trials`, `score`, `generator`, `executor`, `seed`, and its shorthands
            such as `max_params` and `min_top1`. A search with this file finds what a search with
            these keywords finds.

    Returns:
        The file. The schema that its first line names is written beside it.

    Raises:
        InputError: the file exists, or a value cannot be used.

    >>> import gensynth
    >>> file = gensynth.new_experiment("small.toml", data="digits", max_params="20k", trials=10)
    >>> gensynth.read_experiment(file).constraints["max_params"].options
    {'limit': '20k'}
    """
    path = Path(file)
    text = experiment_text(path, {k: v for k, v in given.items() if v is not None})
    if path.exists():
        raise InputError(str(path), "exists already; name another file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(str(path), f"cannot be written ({error.strerror})") from None
    write_schema_beside(path)
    return path


def experiment_text(file: Path, given: Mapping[str, Any]) -> str:
    """Return the text of the file; raise `InputError` for what it could not state."""
    import tomllib

    data = None if given.get("data") is None else str(given["data"])
    base = embedded(data)
    resource = "digits" if data in (None, "digits") else "folder"
    text = files("gensynth.resources").joinpath(f"{resource}.toml").read_text(encoding="utf-8")
    text = _without_head(text)
    for key in reversed(TOP):
        if key in given:
            text = set_key(text, "", key, given[key])
    text = set_key(text, "", "name", base.name)
    for keyword, key in NAMED.items():
        if keyword in given:
            value = _relative(data, file) if data and keyword == "data" else given[keyword]
            text = set_key(text, "data", key, value)
    text = _with_shorthands(text, {k: v for k, v in given.items() if k in SHORTHANDS})
    text = HEAD.format(file=file.name) + text
    # What the file says is checked as a search would check it.
    parse_experiment(tomllib.loads(text) | {"folder": str(file.parent)}, str(file))
    return text


HEAD = (
    SCHEMA_LINE
    + """\
# An experiment: `gensynth search {file}` runs it. `gensynth preflight {file}` tells before
# whether it can succeed and how long it takes. Every key: docs/reference.md.

"""
)
ASIDE = """
# Further limits; remove the # of both lines to use one. "prefer" in place of "enforce" only
# lowers the value of a network that is beyond the limit.
"""


def _without_head(text: str) -> str:
    """Return a file without the comment that it begins with."""
    lines = text.splitlines(keepends=True)
    first = next(n for n, line in enumerate(lines) if not line.startswith("#"))
    return "".join(lines[first:]).lstrip("\n")


def _relative(data: str, file: Path) -> str:
    """Return the path of the images as a file beside or above them states it."""
    path = data_path(data)
    if path == "digits" or path.startswith("hub:"):
        return path
    folder = file.resolve().parent
    if Path(path).is_relative_to(folder):
        return os.path.relpath(path, folder).replace(os.sep, "/")
    return path


def _with_shorthands(text: str, given: Mapping[str, Any]) -> str:
    """State the shorthands that are given, and the others as comments."""
    read_shorthands(given)  # A mistake is told by the keyword, not by the file's key.
    others = ""
    for name, shorthand in SHORTHANDS.items():
        table, key = ".".join(shorthand.path[:-1]), shorthand.path[-1]
        missing = f"\n[{table}]\n" not in text
        if name in given:
            if name == "min_top1":
                text = without_keys(text, table, ("reference", "margin"))
            text = set_key(text, table, key, _stated(shorthand, given[name], name))
            if missing and shorthand.plugin:
                text = text.rstrip() + f"  # {shorthand.help}\n"
        elif missing and shorthand.plugin:
            others += f'# [{table}]\n# {key} = "{shorthand.example}"  # {shorthand.help}\n'
    return text + (ASIDE + others if others else "")


def _stated(shorthand: Shorthand, given: float | str, name: str) -> float | int | str:
    """Return a value as a file should state it: with its unit if it was given with one."""
    number = shorthand.read(given, name)
    if isinstance(given, str) and not given.strip()[-1:].isdigit():
        return given
    return int(number) if number == int(number) else number


def set_key(text: str, table: str, key: str, value: object) -> str:
    r"""Return a TOML file with `key = value` in a table, in place of what the table says.

    The comment on the key's line stays. A table that is missing is added at the end; the keys at
    the top (`table` is empty) come before all tables.

    >>> print(set_key("seed = 0  # random\n[data]\n", "", "seed", 3), end="")
    seed = 3  # random
    [data]
    >>> print(set_key("seed = 0\n", "data", "path", "photos"), end="")
    seed = 0
    <BLANKLINE>
    [data]
    path = "photos"
    """
    lines = text.splitlines(keepends=True)
    if table and f"[{table}]\n" not in lines:
        return f"{text.rstrip()}\n\n[{table}]\n{key} = {_toml(value)}\n".replace("\n\n\n", "\n\n")
    first, last = _span(lines, table)
    for n in range(first, last):
        if found := re.match(rf"{re.escape(key)}\s*=\s*[^#\n]*?(\s*#.*)?\n", lines[n]):
            lines[n] = f"{key} = {_toml(value)}{found[1] or ''}\n"
            return "".join(lines)
    return "".join([*lines[:first], f"{key} = {_toml(value)}\n", *lines[first:]])


def without_keys(text: str, table: str, keys: tuple[str, ...]) -> str:
    """Return a TOML file without these keys of a table."""
    lines = text.splitlines(keepends=True)
    first, last = _span(lines, table)
    kept = [line for line in lines[first:last] if line.split("=")[0].strip() not in keys]
    return "".join([*lines[:first], *kept, *lines[last:]])


def _span(lines: list[str], table: str) -> tuple[int, int]:
    """Return the range of the lines of a table, without its header."""
    first = lines.index(f"[{table}]\n") + 1 if table else 0
    last = next((n for n in range(first, len(lines)) if lines[n].startswith("[")), len(lines))
    return first, last


def _toml(value: object) -> str:
    # A JSON string is a TOML string, too, and so are JSON's numbers.
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
