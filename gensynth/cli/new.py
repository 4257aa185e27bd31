"""`gensynth new`: write a plugin of your own that runs as it stands."""

import builtins
import keyword
import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gensynth.errors import InputError

new = typer.Typer(no_args_is_help=True, help="Write a plugin of your own, with a test.")
Name = Annotated[str, typer.Argument(help="Module name: lower case, words joined by _.")]
Folder = Annotated[Path, typer.Option("--to", help="Folder to write to.")]

USE = "gensynth search {folder}/{name}.toml"
EXPORT = "gensynth export attendnext:tiny --image-size 16 --to out --format {name}:{class_name}"


@new.command()
def constraint(name: Name, folder: Folder = Path()) -> None:
    """Write NAME.py with a constraint, a test, and an experiment that uses it."""
    _write(name, folder, ("constraint", "constraint_test", "constraint_toml"), USE)


@new.command()
def space(name: Name, folder: Folder = Path()) -> None:
    """Write NAME.py with a search space, its blocks, a test, and an experiment."""
    _write(name, folder, ("space", "space_blocks", "space_test", "space_toml"), USE)


@new.command()
def device(name: Name, folder: Folder = Path()) -> None:
    """Write NAME.py with a device to measure latency on, a test, and an experiment."""
    _write(name, folder, ("device", "device_test", "device_toml"), USE)


@new.command("format")
def format_(name: Name, folder: Folder = Path()) -> None:
    """Write NAME.py with an export format, and a test."""
    _write(name, folder, ("format", "format_test"), EXPORT)


@new.command()
def early_stopping(name: Name, folder: Folder = Path()) -> None:
    """Write NAME.py with a rule for early stopping, a test, and an experiment."""
    names = ("early_stopping", "early_stopping_test", "early_stopping_toml")
    _write(name, folder, names, USE)


def _write(name: str, folder: Path, templates: tuple[str, ...], use: str) -> None:
    _require_usable(name)
    texts = {folder / _file(template, name): _filled(template, name) for template in templates}
    for path in texts:
        if path.exists():
            raise InputError(str(path), "exists already; choose another name, or another --to")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(str(folder), f"cannot be written ({error.strerror})") from None
    say = Console().print
    say("written: " + ", ".join(map(str, texts)), highlight=False, soft_wrap=True)
    target = f"{name}:{class_name(name)}"
    say(f"next: gensynth check-plugin {target}", highlight=False, soft_wrap=True)
    then = use.format(folder=folder, name=name, class_name=class_name(name)).replace("./", "")
    say(f"then: {then}", highlight=False, soft_wrap=True)


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
    return text.format(name=name, class_name=class_name(name), title=title)


def class_name(name: str) -> str:
    """Return the class name for the module `name`: `max_layers` has `MaxLayers`."""
    return "".join(word.capitalize() for word in name.split("_"))


def _require_usable(name: str) -> None:
    """Refuse a name that cannot be imported or would hide an existing module."""
    usable = name.isidentifier() and name == name.lower() and name.isascii()
    if not usable or keyword.iskeyword(name) or not class_name(name) or name.startswith("_"):
        problem = "cannot name a module: use lower-case letters, digits and _, a letter first"
        raise InputError(name, problem)
    taken = name in sys.stdlib_module_names or hasattr(builtins, name)
    if taken or find_spec(name) is not None:
        raise InputError(name, "is the name of an existing module; choose another")
