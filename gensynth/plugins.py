"""Finding plugins: installed ones by their short name, a user's own as `module:attribute`.

Installed plugins come from entry points (groups `gensynth.constraints`, `gensynth.devices`, ...).
Naming a plugin executes its code. A name of the form `module:attribute` is therefore accepted only
from the user's own experiment file or command line, never from a record or an export; see
`campaign/trust.py` for a campaign's folder.
"""

import dataclasses
import hashlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from gensynth.errors import PLUGIN_FAULTS, InputError, nearest, unknown
from gensynth.serialization import from_plain

PluginKind = Literal[
    "search_space", "constraint", "score", "generator", "device", "format", "early_stopping"
]
GROUPS: Mapping[PluginKind, str] = {
    "search_space": "gensynth.search_spaces",
    "constraint": "gensynth.constraints",
    "score": "gensynth.scores",
    "generator": "gensynth.generators",
    "device": "gensynth.devices",
    "format": "gensynth.formats",
    "early_stopping": "gensynth.early_stopping",
}
"""Entry-point group of each kind of plugin."""
KINDS: tuple[PluginKind, ...] = tuple(GROUPS)
_FOLDER: ContextVar[Path | None] = ContextVar("folder", default=None)


_TRUSTED: ContextVar[bool] = ContextVar("trusted", default=False)


@contextmanager
def trusting(trust: bool) -> Iterator[None]:
    """Let exported folders run their own code in the block, because the user says so."""
    token = _TRUSTED.set(trust or _TRUSTED.get())
    try:
        yield
    finally:
        _TRUSTED.reset(token)


def trusted() -> bool:
    """Whether an exported folder may run its own code."""
    return _TRUSTED.get()


@dataclass(frozen=True)
class Listed:
    """One installed plugin: where it comes from, and why it cannot be loaded."""

    kind: str
    name: str
    origin: str
    """Name and version of the distribution that installed it."""
    target: str
    """What the entry point refers to, as `module:attribute`."""
    problem: str = ""
    """The error that its import raised; empty if it loads."""


def names(kind: PluginKind) -> list[str]:
    """Return the sorted names of the installed plugins of a kind, without importing them."""
    return sorted({entry.name for entry in entry_points(group=GROUPS[kind])})


def load_plugin(kind: PluginKind, name: str, place: str, folder: Path | None = None) -> Any:
    """Import the plugin `name`.

    `module:attribute` is looked up in `folder` first, or without one in the folder of
    `looking_in`. Raises `InputError` with `place` if it does not exist or its import fails.
    """
    if ":" in name:
        return _load_attribute(name, place, folder or _FOLDER.get())
    for entry in entry_points(group=GROUPS[kind], name=name):
        return _load_entry(entry, place)
    raise unknown(place, kind.replace("_", " "), name, names(kind))


def create(
    kind: PluginKind,
    name: str,
    table: Mapping[str, Any],
    place: str,
    folder: Path | None = None,
) -> Any:
    """Load the dataclass `name` and make it from its table, with every field checked.

    A plugin that the table names in turn (the device of a latency limit) is looked up in `folder`
    as well.
    """
    with looking_in(folder or _FOLDER.get()):
        plugin = load_plugin(kind, name, place)
        if not (isinstance(plugin, type) and dataclasses.is_dataclass(plugin)):
            raise InputError(place, f"{name!r} must be a dataclass")
        return from_plain(plugin, table, place)


@contextmanager
def looking_in(folder: Path | None) -> Iterator[None]:
    """Look up `module:attribute` names in `folder` while the block runs."""
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


def listed() -> list[Listed]:
    """Import every installed plugin and return where each comes from and whether it loads."""
    rows = []
    for kind, group in GROUPS.items():
        for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
            problem = ""
            try:
                entry.load()
            except PLUGIN_FAULTS as error:
                problem = f"{type(error).__name__}: {error}"
            origin = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "unknown"
            rows.append(Listed(kind, entry.name, origin, entry.value, problem))
    return rows


def _load_entry(entry: EntryPoint, place: str) -> Any:
    try:
        return entry.load()
    except PLUGIN_FAULTS as error:
        cause = f"{type(error).__name__}: {error}"
        raise InputError(place, f"plugin {entry.name} ({entry.value}) failed: {cause}") from error


def _load_attribute(name: str, place: str, folder: Path | None) -> Any:
    module_name, _, attribute = name.partition(":")
    try:
        module = _import(module_name, folder)
    except PLUGIN_FAULTS as error:
        cause = f"{type(error).__name__}: {error}"
        raise InputError(place, f"cannot import {module_name!r}: {cause}") from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        hint = nearest(attribute, [word for word in vars(module) if not word.startswith("_")])
        raise InputError(place, f"{module_name!r} has no {attribute!r}{hint}") from None


def _import(name: str, folder: Path | None) -> ModuleType:
    """Import a module; a file in `folder` wins over an installed module of the same name.

    `folder` is appended to the import path, never prepended: a user's own folder that is called
    `constraints` must not hide ours. A file that would be hidden is loaded from its location.
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
        raise ImportError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
