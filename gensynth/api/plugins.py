"""Plugins: which are installed, whether they keep the laws of their kind, and new ones."""

import builtins
import keyword
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gensynth import testing
from gensynth.api.schema import write_schema_beside
from gensynth.errors import InputError, unknown
from gensynth.plugins import KINDS, Listed, PluginKind, create, listed, load_plugin, names
from gensynth.testing import Check

METHODS: Mapping[PluginKind, tuple[str, ...]] = {
    "search_space": ("sample", "source"),
    "device": ("runtime", "check", "measure"),
    "format": ("check", "write", "open"),
    "early_stopping": ("stops",),
}
"""Methods by which the kind of a class is recognised; constraints and scores are called."""
TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "constraint": ("constraint", "constraint_test", "constraint_toml"),
    "space": ("space", "space_blocks", "space_test", "space_toml"),
    "device": ("device", "device_test", "device_toml"),
    "format": ("format", "format_test"),
    "early_stopping": ("early_stopping", "early_stopping_test", "early_stopping_toml"),
}
"""Templates of a new plugin by its kind."""


def installed_plugins() -> list[Listed]:
    """Import every installed plugin and return what it is, or why it failed to load.

    >>> import gensynth
    >>> [row.origin.split()[0] for row in gensynth.installed_plugins() if row.name == "columnar"]
    ['gensynth']
    """
    return listed()


def check_plugin(
    name: str, fields: Mapping[str, Any] | None = None, kind: str | None = None
) -> list[Check]:
    """Run the conformance checks of `gensynth.testing` on a plugin.

    Args:
        name: an installed plugin, or `module:class`.
        fields: values of its fields; the others have their defaults.
        kind: `search_space`, `constraint`, `score`, `generator`, `device`, `format` or
            `early_stopping`; recognised by its methods by default.

    Returns:
        One check for each law of its kind; `ok` is true if the plugin keeps it.

    Raises:
        InputError: there is no such plugin, kind or field.

    >>> import gensynth
    >>> all(check.ok for check in gensynth.check_plugin("max_params", {"limit": 20_000}))
    True
    """
    kind, here = kind or _kind(name), Path.cwd()
    if kind == "generator":
        if fields:
            raise InputError("option", "a generator is checked with its defaults")
        return testing.check_generator(load_plugin("generator", name, name, here))
    check = {
        "search_space": testing.check_space,
        "constraint": testing.check_constraint,
        "score": testing.check_score,
        "device": testing.check_device,
        "format": testing.check_format,
        "early_stopping": testing.check_early_stopping,
    }.get(kind)
    if check is None:
        raise unknown("kind", "kind", kind, KINDS)
    checks: list[Check] = check(create(kind, name, fields or {}, name, here))  # type: ignore[arg-type, operator]
    return checks


def _kind(name: str) -> str:
    """Return the kind of a plugin: that of its entry point, or that of its methods."""
    if ":" not in name:
        for kind in KINDS:
            if name in names(kind):
                return kind
        raise unknown(name, "plugin", name, [n for kind in KINDS for n in names(kind)])
    plugin = load_plugin("constraint", name, name, Path.cwd())
    if not isinstance(plugin, type):
        return "generator"
    for kind, methods in METHODS.items():
        if all(hasattr(plugin, method) for method in methods):
            return kind
    returns = getattr(plugin.__call__, "__annotations__", {}).get("return")
    return "score" if returns in (float, "float") else "constraint"


@dataclass(frozen=True)
class NewPlugin:
    """A plugin that was just written.

    >>> import gensynth
    >>> gensynth.new_plugin("format", "my_format").target
    'my_format:MyFormat'
    """

    files: tuple[Path, ...]
    target: str
    """`module:class`, as an experiment or a command names it."""


def new_plugin(kind: str, name: str, folder: str | Path = ".") -> NewPlugin:
    """Write a plugin that runs as it is, with a test and, for most kinds, an experiment.

    The schema that the experiment's first line names is written beside it.

    Args:
        kind: `constraint`, `space`, `device`, `format` or `early_stopping`.
        name: of its module: lower-case words joined by `_`.
        folder: the folder to write to.

    Raises:
        InputError: the name cannot be used, or a file exists already.

    >>> import gensynth
    >>> written = gensynth.new_plugin("constraint", "max_layers")
    >>> written.target, [str(file) for file in written.files]
    ('max_layers:MaxLayers', ['max_layers.py', 'test_max_layers.py', 'max_layers.toml'])
    """
    if kind not in TEMPLATES:
        raise unknown("kind", "kind", kind, TEMPLATES)
    _require_usable(name)
    place = Path(folder)
    texts = {place / _file(template, name): _filled(template, name) for template in TEMPLATES[kind]}
    for path in texts:
        if path.exists():
            raise InputError(str(path), "exists already; choose another name, or another --to")
    try:
        place.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
            if path.suffix == ".toml":
                write_schema_beside(path)
    except OSError as error:
        raise InputError(str(place), f"cannot be written ({error.strerror})") from None
    return NewPlugin(tuple(texts), f"{name}:{_class_name(name)}")


def _file(template: str, name: str) -> str:
    """Return the file that a template becomes."""
    if template.endswith("_test"):
        return f"test_{name}.py"
    if template.endswith("_toml"):
        return f"{name}.toml"
    return f"{name}_blocks.py" if template.endswith("_blocks") else f"{name}.py"


def _filled(template: str, name: str) -> str:
    text = files("gensynth.templates").joinpath(f"{template}.txt").read_text(encoding="utf-8")
    title = name.replace("_", " ").capitalize()
    return text.format(name=name, class_name=_class_name(name), title=title)


def _class_name(name: str) -> str:
    """Return the class name for the module `name`: `max_layers` has `MaxLayers`."""
    return "".join(word.capitalize() for word in name.split("_"))


def _require_usable(name: str) -> None:
    """Refuse a name that cannot be imported or would hide an existing module."""
    usable = name.isidentifier() and name == name.lower() and name.isascii()
    if not usable or keyword.iskeyword(name) or not _class_name(name) or name.startswith("_"):
        problem = "cannot name a module: use lower-case letters, digits and _, a letter first"
        raise InputError(name, problem)
    taken = name in sys.stdlib_module_names or hasattr(builtins, name)
    if taken or find_spec(name) is not None:
        raise InputError(name, "is the name of an existing module; choose another")
