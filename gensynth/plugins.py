"""Finding plugins by name: an installed entry point, or `module:attribute` beside an experiment.

Naming `module:attribute` runs that module's code. It is imported only where the user's own
experiment file or command line names it; nothing read from a record or an export can.
"""

import dataclasses
import hashlib
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from gensynth.errors import InputError, nearest, unknown
from gensynth.serialization import from_plain

PluginKind = Literal["search_space", "constraint", "score", "generator"]
KINDS: tuple[PluginKind, ...] = ("search_space", "constraint", "score", "generator")


@dataclass(frozen=True)
class Listed:
    """One installed plugin, for `gensynth plugins`: where it comes from, what failed."""

    kind: str
    name: str
    origin: str
    target: str
    problem: str = ""


def group(kind: PluginKind) -> str:
    """Name the entry-point group of a kind of plugin."""
    return f"gensynth.{kind}s"


def names(kind: PluginKind) -> list[str]:
    """List the installed plugins of a kind, without importing any."""
    return sorted({entry.name for entry in entry_points(group=group(kind))})


def load(kind: PluginKind, name: str, place: str, folder: Path | None = None) -> Any:
    """Import the plugin `name`; `module:attribute` is looked up relative to `folder` first."""
    if ":" in name:
        return _load_attribute(name, place, folder)
    for entry in entry_points(group=group(kind), name=name):
        return _load_entry(entry, place)
    raise unknown(place, kind.replace("_", " "), name, names(kind))


def create(
    kind: PluginKind, name: str, table: Mapping[str, Any], place: str, folder: Path | None = None
) -> Any:
    """Load the class `name` and make it from its table, every field checked."""
    plugin = load(kind, name, place, folder)
    if not (isinstance(plugin, type) and dataclasses.is_dataclass(plugin)):
        raise InputError(place, f"{name!r} is no dataclass, so a table cannot make one")
    return from_plain(plugin, table, place)


def listed() -> list[Listed]:
    """Import every installed plugin in turn and say what it is or why it failed."""
    rows = []
    for kind in KINDS:
        for entry in sorted(entry_points(group=group(kind)), key=lambda entry: entry.name):
            problem = ""
            try:
                entry.load()
            except Exception as error:
                problem = f"{type(error).__name__}: {error}"
            origin = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "unknown"
            rows.append(Listed(kind, entry.name, origin, entry.value, problem))
    return rows


def _load_entry(entry: EntryPoint, place: str) -> Any:
    try:
        return entry.load()
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        raise InputError(place, f"plugin {entry.name} ({entry.value}) failed: {cause}") from error


def _load_attribute(name: str, place: str, folder: Path | None) -> Any:
    module_name, _, attribute = name.partition(":")
    try:
        module = _import(module_name, folder)
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        raise InputError(place, f"cannot import {module_name!r}: {cause}") from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        hint = nearest(attribute, [word for word in vars(module) if not word.startswith("_")])
        raise InputError(place, f"{module_name!r} has no {attribute!r}{hint}") from None


def _import(name: str, folder: Path | None) -> ModuleType:
    """Import a module; a file in `folder` wins over an installed module of the same name.

    `folder` is appended to the import path, never put before it: a user's own folder named
    `constraints` must not hide ours. A file that this would hide is loaded from its location.
    """
    if folder is None:
        return import_module(name)
    append_import_path(folder)
    stem = name.removesuffix(".py") if name.endswith(".py") else name.replace(".", "/")
    file = (folder / f"{stem}.py").resolve()
    if not file.is_file():
        return import_module(name)
    dotted = stem.replace("/", ".")
    spec = _find(dotted)
    if spec is not None and spec.origin and Path(spec.origin).resolve() == file:
        return import_module(dotted)
    return _import_file(file)


def append_import_path(folder: Path | str) -> None:
    """Make the modules of `folder` importable, after everything that already is."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _find(dotted: str) -> Any:
    try:
        return importlib.util.find_spec(dotted)
    except (ImportError, ValueError):
        return None


def _import_file(file: Path) -> ModuleType:
    name = f"{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
