"""The public names: lazy, typed, documented, and what the command line is made of."""

import ast
import doctest
import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gensynth

ROOT = Path(__file__).parents[2]
STUB = ROOT / "gensynth" / "__init__.pyi"
COMMANDS = ROOT / "gensynth" / "cli"
HELPERS = {"__init__", "app", "exits", "options", "check_report"}
"""Modules of the command line that are no command."""
FUNCTIONS = [name for name in gensynth.__all__ if name[0].islower()]
OURS = [
    name
    for name, home in gensynth._HOMES.items()
    if home.startswith("gensynth.api.") and name != "PEERS"
]
"""Functions, and what they return."""
LONG = {"Campaign", "Drawn", "finish", "preflight"}
"""Their examples learn, report or measure at length."""


@pytest.mark.parametrize("heavy", ["torch", "ray", "optuna", "numpy", "rich"])
def test_importing_the_package_loads_nothing_heavy(heavy: str) -> None:
    code = f"import gensynth, sys; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_the_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from gensynth.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(bool({'torch', 'ray', 'optuna', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "search" in done.stdout


def test_the_stub_types_exactly_what_can_be_imported() -> None:
    typed: dict[str, str | None] = {}
    for node in ast.parse(STUB.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            typed |= {alias.asname or alias.name: node.module for alias in node.names}
    assert typed.keys() == set(gensynth.__all__)
    for name, module in typed.items():
        assert getattr(gensynth, name) is getattr(importlib.import_module(str(module)), name)


def test_no_public_name_is_that_of_a_module_which_would_hide_it() -> None:
    modules = {path.stem for path in (ROOT / "gensynth").iterdir() if path.name != "__pycache__"}
    assert not modules & set(gensynth.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'serach'"):
        _ = gensynth.serach  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small campaign of the engine's own generator, which the examples open as `runs/mine`."""
    folder = tmp_path_factory.mktemp("examples") / "mine"
    gensynth.search(
        data="digits",
        out=folder,
        trials=4,
        constraints={"max_params": {"limit": 20_000}},
        generator={"use": "gensynth", "initial": 3},
        executor="inline",
        progress=False,
        proxy={"epochs": 1},
        finals={"candidates": 1, "replicas": 1},
    )
    return folder


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in OURS]
)
def test_every_public_name_has_an_example_that_runs(
    name: str, campaign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(campaign, tmp_path / "runs" / "mine")
    monkeypatch.chdir(tmp_path)
    public = getattr(gensynth, name)
    found = doctest.DocTestFinder(recurse=False).find(public, name)
    (examples,) = [test for test in found if test.examples]
    result = doctest.DocTestRunner().run(examples)
    assert result.failed == 0


def commands() -> list[Path]:
    return [path for path in sorted(COMMANDS.glob("*.py")) if path.stem not in HELPERS]


def public_calls(path: Path) -> set[str]:
    """Name the functions of `gensynth` that a command calls."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func.value) == "gensynth"
    }
    return called & set(FUNCTIONS)


@pytest.mark.parametrize("path", commands(), ids=lambda path: path.stem)
def test_each_command_calls_one_public_function(path: Path) -> None:
    assert len(public_calls(path)) == 1, public_calls(path)


@pytest.mark.parametrize("path", commands(), ids=lambda path: path.stem)
def test_a_command_reaches_the_engine_by_public_functions_only(path: Path) -> None:
    """It may also print, from `report`, and end with an exit code, from `process`."""
    printing = {"errors", "process", "report", "serialization", "cli", "record.address"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gensynth."):
            names_for_help = ast.unparse(node) == "from gensynth.plugins import names"
            assert (
                for_types(path, node)
                or names_for_help
                or any((node.module or "").startswith(f"gensynth.{room}") for room in printing)
            ), node.module


def for_types(path: Path, wanted: ast.ImportFrom) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    blocks = [n for n in ast.walk(tree) if isinstance(n, ast.If)]
    guarded = [b for b in blocks if ast.unparse(b.test) == "TYPE_CHECKING"]
    return any(node.lineno == wanted.lineno for block in guarded for node in block.body)
