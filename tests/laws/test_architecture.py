"""The house's rules that a machine can check: who imports whom, how long things are."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "gensynth"
HOMES = {
    "ray": {"executors/ray"},
    "fvcore": {"graph/profile"},
    "optuna": {
        "record/study",
        "record/database",
        "generators/optuna_samplers",
        "generators/optuna_sampler",
    },
    "timm": {"models/timm_models", "exports/timm_model"},
    "onnx": {"formats/onnx"},
    "onnxscript": {"formats/onnx"},
    "onnxruntime": {"formats/onnx", "formats/int8"},
    "executorch": {"formats/executorch"},
    "ncnn": set(),
}
MAX_FILE, MAX_FUNCTION = 300, 40


def python_files(*folders: str) -> list[Path]:
    """Find what was written by hand: an exported network is a file of all its blocks."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if ROOT / "experiments" / "results" not in path.parents]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def is_at_home(path: Path, homes: set[str]) -> bool:
    place = path.relative_to(ENGINE).with_suffix("").as_posix()
    return any(place == home or place.startswith(f"{home}/") for home in homes)


def test_the_engine_imports_no_plugin() -> None:
    for path in python_files("gensynth"):
        found = {name.partition(".")[0] for name in imports(path)}
        assert not found & {"search_spaces", "constraints", "devices", "experiments", "tests"}, path


def test_the_engine_names_no_device_but_its_own() -> None:
    """A device enters by its entry point, as a stranger's does."""
    for path in python_files("gensynth"):
        text = path.read_text(encoding="utf-8")
        assert "devices." not in text.replace("gensynth.devices", ""), path


@pytest.mark.parametrize("package", HOMES)
def test_heavy_dependencies_have_their_homes(package: str) -> None:
    for path in python_files("gensynth"):
        if any(name.partition(".")[0] == package for name in imports(path)):
            assert is_at_home(path, HOMES[package]), path


def test_sources_of_networks_import_torch_only() -> None:
    """An export carries these files, and those of their own that they import."""
    waiting = sorted((ROOT / "search_spaces").rglob("*blocks.py"))
    assert waiting
    while waiting:
        path = waiting.pop()
        for name in imports(path):
            if name.startswith("search_spaces."):
                waiting.append(ROOT / f"{name.replace('.', '/')}.py")
            else:
                allowed = {"torch", "collections", "typing", "math", "dataclasses"}
                assert name.partition(".")[0] in allowed, path


def test_nothing_is_unpickled() -> None:
    for path in python_files("gensynth", "search_spaces", "constraints", "devices", "experiments"):
        assert not {"pickle", "cloudpickle", "dill", "joblib"} & set(imports(path)), path
        text = path.read_text(encoding="utf-8")
        assert "torch.load(" not in text and "allow_pickle=True" not in text, path


@pytest.mark.parametrize(
    "folder", ["gensynth", "search_spaces", "constraints", "devices", "experiments", "tests"]
)
def test_files_and_functions_stay_short(folder: str) -> None:
    for path in python_files(folder):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= MAX_FILE, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                assert length <= MAX_FUNCTION, f"{path}: {node.name} has {length} lines"
