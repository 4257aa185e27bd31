"""The rules of the architecture: which module imports which, and how long files may be."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "gensynth"
HOMES = {
    "ray": {"executors/ray"},
    "fvcore": {"graph/second_opinions"},
    "optuna": {
        "record/optuna_study",
        "record/database",
        "record/ownership",
        "generators/optuna_samplers",
        "generators/optuna_sampler",
    },
    "timm": {"models/timm_models", "models/timm_pretrained", "exports/timm_model"},
    "onnx": {"formats/onnx"},
    "onnxscript": {"formats/onnx"},
    "onnxruntime": {"formats/onnx", "formats/int8"},
    "executorch": {"formats/executorch"},
    "emx_onnx_cgen": {"formats/c"},
    "litert_torch": {"formats/tflite_worker"},
    "ai_edge_quantizer": {"formats/tflite_worker"},
    "ai_edge_litert": {"formats/tflite_worker"},
    "tflite_micro": {"formats/tflite_worker"},
    "ncnn": set(),
}
MAX_FILE, MAX_FUNCTION = 300, 40
MOST_AT_THE_ROOT = 10
"""Python files directly in `gensynth/`."""
LAYERS = (
    "errors former_names resources templates",
    "quantity",
    "process serialization",
    "genome plugins",
    "space",
    "graph",
    "tflm",
    "evaluation",
    "data models",
    "formats",
    "latency",
    "training generators",
    "prediction",
    "record",
    "campaign",
    "executors exports feasibility",
    "report",
    "testing",
    "api",
    "__init__",
    "cli",
    "__main__",
)
"""Modules and packages of `gensynth/`, bottom to top; each imports only from layers below it."""
HEAVY = {
    "torch": "takes seconds to import; `gensynth --help`, `check-plugin` and `new` need none of it",
    "safetensors": "its torch half imports torch",
    "fvcore": "imports torch, and is needed for one count",
    "timm": "imports torch and torchvision, and is an extra",
    "ray": "takes seconds to import and starts processes; an inline campaign needs none of it",
    "optuna": "imports SQLAlchemy and more; a command that opens no record needs none of it",
    "pandas": "half a second for the one command that writes a table",
    "scipy": "half a second for the few functions that test or integrate",
    "sklearn": "a second, for the digits alone",
    "jinja2": "for the report alone",
    "datasets": "an extra: images of the Hugging Face hub",
    "tensorboard": "an extra: the campaign in TensorBoard",
    "huggingface_hub": "an extra: exports on the hub",
    "mlflow": "an extra: the campaign in MLflow",
    "trackio": "an extra: the campaign in Trackio",
    "onnx": "an extra: exports",
    "onnxruntime": "an extra: exports and latency",
    "onnxscript": "an extra: exports",
    "executorch": "an extra: exports",
    "emx_onnx_cgen": "an extra: exports",
    "litert_torch": "in an environment of its own: exports",
    "ai_edge_quantizer": "in an environment of its own: exports",
    "ai_edge_litert": "in an environment of its own: exports",
    "tflite_micro": "in an environment of its own: exports",
    "flatbuffers": "in an environment of its own: exports",
    "threadpoolctl": "loaded where a pool of threads is limited, which most commands never do",
}
"""What a function may import when it runs, and why the whole module does not import it."""
LAZY = ("gensynth.cli", "gensynth.api")
"""Entry points that import what a command needs when it runs, so that `import gensynth` and
`gensynth --help` load nothing else."""


@dataclass(frozen=True)
class Import:
    """One import statement of a module."""

    target: str
    """Full name of a module; of a name in a module, that module."""
    line: int
    in_function: bool
    for_types: bool
    """Whether it stands under `if TYPE_CHECKING`, so that nothing is imported when it runs."""


def python_files(*folders: str) -> list[Path]:
    """List the files that were written by hand: an exported network holds all its blocks."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if not is_exported(path)]


def is_exported(path: Path) -> bool:
    """Whether a file belongs to an exported network, which has its weights beside it."""
    return (path.parent / "model.safetensors").exists()


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {
    module_name(path): path
    for path in python_files("gensynth", "search_spaces", "constraints", "devices", "experiments")
}


def imports_of(path: Path) -> list[Import]:
    """List the imports of a file, also those in functions and for types alone."""
    return list(_imports(ast.parse(path.read_text(encoding="utf-8")), False, False))


def _imports(node: ast.AST, in_function: bool, for_types: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, in_function, for_types)
        elif isinstance(child, ast.ImportFrom) and child.module:
            for alias in child.names:
                whole = f"{child.module}.{alias.name}"
                target = whole if whole in MODULES else child.module
                yield Import(target, child.lineno, in_function, for_types)
        else:
            inner = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
            types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            yield from _imports(child, in_function or inner, for_types or types)


IMPORTS = {name: imports_of(path) for name, path in MODULES.items()}


def imports(path: Path) -> Iterator[str]:
    return (found.target for found in imports_of(path))


@cache
def heavy_at_import(module: str) -> frozenset[str]:
    """Name the heavy dependencies that importing a module loads, directly or not."""
    seen, waiting, found = set(), [module], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        found |= {name.partition(".")[0]} & HEAVY.keys()
        here = [one for one in IMPORTS.get(name, ()) if not one.in_function and not one.for_types]
        waiting += [one.target for one in here]
        if "." in name:
            waiting.append(name.rpartition(".")[0])  # A package is imported before its modules.
    return frozenset(found)


def layer_of(module: str) -> int:
    room = [*module.split("."), "__init__"][1]
    found = [k for k, rooms in enumerate(LAYERS) if room in rooms.split()]
    assert found, f"{room} has no place in LAYERS"
    return found[0]


def test_few_files_lie_at_the_root() -> None:
    assert len(list(ENGINE.glob("*.py"))) <= MOST_AT_THE_ROOT


def test_every_import_points_to_a_lower_layer() -> None:
    upwards = [
        f"{module}:{one.line} imports {one.target}"
        for module, found in IMPORTS.items()
        for one in found
        if module.startswith("gensynth") and one.target in MODULES
        if one.target.split(".")[:1] == ["gensynth"]
        if one.target.split(".")[:2] != module.split(".")[:2]
        if layer_of(one.target) >= layer_of(module)
    ]
    assert not upwards, "\n".join(upwards)


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports in functions and for types count: none of them may hide a circle."""
    arrows = {
        module: {one.target for one in found if one.target in MODULES}
        for module, found in IMPORTS.items()
    }
    TopologicalSorter(arrows).prepare()  # Raises CycleError, which names the circle.


def test_an_import_in_a_function_spares_a_heavy_dependency() -> None:
    needless = [
        f"{module}:{one.line} imports {one.target}"
        for module, found in IMPORTS.items()
        for one in found
        if module.startswith("gensynth.") and not module.startswith(LAZY)
        if one.in_function and not one.for_types
        if not (heavy_at_import(one.target) - heavy_at_import(module))
        if one.target.partition(".")[0] not in HEAVY
    ]
    assert not needless, "\n".join(needless)


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
                length = lines_of(node) - lines_for_users(path, node)
                assert length <= MAX_FUNCTION, f"{path}: {node.name} has {length} lines"


def lines_of(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def lines_for_users(path: Path, function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the docstring of a public function or a command: every argument, an example, the help.

    Of all other functions the docstring counts as lines of the function.
    """
    if path.parent not in (ENGINE / "api", ENGINE / "cli") or function.name.startswith("_"):
        return 0
    return lines_of(function.body[0]) if ast.get_docstring(function) is not None else 0
