"""`gensynth new`: a plugin of one's own that runs as it stands."""

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
Name = Annotated[str, typer.Argument(help="The module's name: lower case, words joined by _.")]
Folder = Annotated[Path, typer.Option("--to", help="The folder to write to.")]

CONSTRAINT = {"constraint": "{}.py", "constraint_test": "test_{}.py", "constraint_toml": "{}.toml"}
SPACE = {
    "space": "{}.py",
    "space_blocks": "{}_blocks.py",
    "space_test": "test_{}.py",
    "space_toml": "{}.toml",
}
"""File names by template."""


@new.command()
def constraint(name: Name, folder: Folder = Path()) -> None:
    """Write NAME.py with a constraint, its test, and an experiment that uses it."""
    _write(name, folder, CONSTRAINT)


@new.command()
def space(name: Name, folder: Folder = Path()) -> None:
    """Write NAME.py with a search space, its blocks, a test, and an experiment in it."""
    _write(name, folder, SPACE)


def _write(name: str, folder: Path, templates: dict[str, str]) -> None:
    _require_usable(name)
    texts = {folder / file.format(name): _filled(t, name) for t, file in templates.items()}
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
    say(f"then: gensynth search {folder / name}.toml", highlight=False, soft_wrap=True)


def _filled(template: str, name: str) -> str:
    text = files("gensynth.templates").joinpath(f"{template}.txt").read_text(encoding="utf-8")
    title = name.replace("_", " ").capitalize()
    return text.format(name=name, class_name=class_name(name), title=title)


def class_name(name: str) -> str:
    """Name the class of the module `name`: `max_layers` has `MaxLayers`."""
    return "".join(word.capitalize() for word in name.split("_"))


def _require_usable(name: str) -> None:
    """Refuse what is no module's name, or would hide a module that exists."""
    usable = name.isidentifier() and name == name.lower() and name.isascii()
    if not usable or keyword.iskeyword(name) or not class_name(name) or name.startswith("_"):
        problem = "is no name for a module: use lower-case letters, digits and _, a letter first"
        raise InputError(name, problem)
    taken = name in sys.stdlib_module_names or hasattr(builtins, name)
    if taken or find_spec(name) is not None:
        raise InputError(name, "is the name of a module that exists; choose another")
