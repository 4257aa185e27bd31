"""Every command of experiments/README.md names a module that exists and options that it has."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "experiments" / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(?:sh)?\n(.*?)```", README, flags=re.DOTALL)
LINES = [line for block in BLOCKS for line in block.replace("\\\n", " ").splitlines()]
COMMANDS = sorted({line.partition("  #")[0] for line in LINES if "python -m experiments." in line})


def sources(module: str) -> str:
    """Read a module and those of the experiments that it imports, which may add options."""
    text = (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    others = re.findall(r"^from (experiments\.\w+\.[\w.]+) import", text, flags=re.MULTILINE)
    return "\n".join([text, *(sources(other) for other in others)])


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 40


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_its_module_and_its_options(command: str) -> None:
    module, words = re.findall(r"python -m (experiments[\w.]+)(.*)", command)[0]
    text = sources(module)
    for option in re.findall(r"(?<!\S)--[a-z][\w-]*", words):
        assert f'"{option}"' in text, f"{module} has no {option}"


@pytest.mark.parametrize("path", sorted(set(re.findall(r"experiments/[\w./]+\.\w+", README))))
def test_a_named_file_exists(path: str) -> None:
    assert (ROOT / path).exists()
