"""What the cards of exported networks have in common: their table, their versions, their words."""

import platform
from collections.abc import Mapping
from importlib.metadata import version

HEAD = ("| what | value |", "|---|---|")


def table_of(facts: Mapping[str, object]) -> list[str]:
    """Write facts as the lines of a Markdown table; what is empty is left out."""
    return [*HEAD, *(f"| {name} | {value} |" for name, value in facts.items() if value != "")]


def versions(*packages: str) -> str:
    """Name the versions of installed packages, of Python, and the kind of machine."""
    installed = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"{installed}; Python {platform.python_version()}, {platform.machine()}"


def share_of(share: float) -> str:
    """Write a share of images before what it is of; nothing where it is all of them."""
    return "" if share == 1 else f"{share:.3g} of "
