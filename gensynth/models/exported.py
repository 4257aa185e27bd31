"""Read an exported folder: its network, and the shape of its input."""

import ast
import hashlib
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gensynth.errors import InputError
from gensynth.plugins import trusted
from gensynth.process import state_folder
from gensynth.space import Source

if TYPE_CHECKING:
    from torch import Tensor, nn

EXPORTED_WEIGHTS = "model.safetensors"
PROGRAM = ".pt2"
"""Suffix of a file that can run code when it is opened: torch unpickles parts of it."""
CLASS_WORDS = ("classes", "num_classes", "n_classes")
"""Names under which the specification of a network may hold its number of classes."""
TIMM = "timm_model.py"
"""The file of an export that registers the network with timm."""
PREDICT, PREDICT_ONNX = "predict.py", "predict_onnx.py"
"""The files of an export that classify pictures, by torch and by ONNX Runtime."""
CONFIG = "config.json"
"""The file of an export with its preprocessing and its classes, in timm's format."""
BESIDE = frozenset((TIMM, PREDICT, PREDICT_ONNX))
"""The Python files of an export that are not the network's own."""


def load_folder(folder: Path) -> "nn.Module":
    """Build the network of an exported folder in eval mode; this runs the folder's code.

    Raises:
        InputError: the folder is not an export, or its network cannot be built.
    """
    file = code_file(folder)
    factory = _run(file, file.stem)
    weights = exported_weights(folder)
    network = network_of(factory, f"{file}: {file.stem}()")
    return with_weights(network, weights, str(folder / EXPORTED_WEIGHTS))


def exported_weights(folder: Path) -> "dict[str, Tensor]":
    """Read the weights of an exported folder.

    Raises:
        InputError: they cannot be read.
    """
    return read_weights(folder / EXPORTED_WEIGHTS)


def read_weights(file: Path, remedy: str = "") -> "dict[str, Tensor]":
    """Read a safetensors file.

    Raises:
        InputError: it is missing or damaged; the message ends with the `remedy`.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        more = f"; {remedy}" if remedy else ""
        raise InputError(str(file), f"cannot be read ({error}){more}") from None


def input_shape(folder: Path) -> tuple[int, int, int] | None:
    """Return the (C, H, W) of an exported network's input, or None if its file does not say.

    The file is read, but not run.

    Raises:
        InputError: the folder is not an export, or its file is damaged.
    """
    found = constant(folder, "INPUT_SHAPE")
    return None if found is None or found.value is None else _shape(found.value, folder)


def constant(folder: Path, name: str) -> "ast.Assign | ast.AnnAssign | None":
    """Return the assignment to a constant in an exported network's file, or None if it has none.

    Raises:
        InputError: the folder is not an export, or its file is damaged.
    """
    file = code_file(folder)
    try:
        body = ast.parse(file.read_bytes()).body
    except (SyntaxError, ValueError) as error:
        raise InputError(str(file), f"is not a Python file ({error})") from None
    for node in body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return node
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name:
            return node
    return None


def export_in(path: Path) -> Path | None:
    """Return the exported folder that `path` is, or that a training or a campaign there wrote.

    The name of a network in the first case, else `network` and `best`; None if there is none.
    """
    folders = (path, path / "network", path / "best")
    return next((f for f in folders if (f / EXPORTED_WEIGHTS).is_file() and _codes(f)), None)


def exported_source(folder: Path, classes: int) -> Source:
    """Return the source of an exported network, with as many outputs as `classes`.

    Raises:
        InputError: the folder is not an export, or its code builds one number of classes only.
    """
    file, shape = code_file(folder), input_shape(folder)
    node = constant(folder, "SPEC")
    try:
        spec = ast.literal_eval(node.value) if node is not None and node.value is not None else None
    except ValueError:
        spec = None
    if not isinstance(spec, dict) or shape is None:
        raise InputError(str(file), "expected the constants INPUT_SHAPE and SPEC, found none")
    words = [word for word in CLASS_WORDS if word in spec]
    if words:
        spec[words[0]] = classes
    return Source(__name__, {"folder": str(folder.resolve()), "spec": spec}, shape)


def make(spec: Mapping[str, Any]) -> "nn.Module":
    """Build the network of an exported folder with fresh weights; this runs the folder's code.

    Args:
        spec: `folder`, and the `spec` that its function `make` takes.

    Raises:
        InputError: the folder is not an export, or its network cannot be built.
    """
    file = code_file(Path(spec["folder"]))
    build = _run(file, "make")
    return network_of(lambda: build(spec["spec"]), f"{file}: make()")


def _shape(node: ast.expr, folder: Path) -> tuple[int, int, int]:
    try:
        shape = ast.literal_eval(node)
    except ValueError:
        shape = None
    numbers = isinstance(shape, tuple) and [n for n in shape if type(n) is int and n > 0]
    if not numbers or len(numbers) != 3 or shape != tuple(numbers):
        problem = f"expected three integers greater than 0, got {ast.unparse(node)[:60]}"
        raise InputError(f"{code_file(folder)}: INPUT_SHAPE", problem)
    channels, height, width = numbers
    return channels, height, width


def network_of(factory: "Callable[[], Any]", place: str) -> "nn.Module":
    """Return the network that `factory` builds.

    Raises:
        InputError: it raises an error, or returns something else; `place` names it.
    """
    from torch import nn

    try:
        module = factory()
    except (Exception, SystemExit) as error:
        raise InputError(place, f"the factory raised {type(error).__name__}: {error}") from error
    if not isinstance(module, nn.Module):
        problem = f"the factory must return a torch.nn.Module, got {type(module).__name__}"
        raise InputError(place, problem)
    return module


def with_weights(module: "nn.Module", weights: "Mapping[str, Tensor]", place: str) -> "nn.Module":
    """Load `weights` into `module`, set eval mode, and return it.

    Raises:
        InputError: the weights do not fit the network.
    """
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(place, f"the weights do not fit the network: {error}") from None
    return module.eval()


def remember_code(file: Path) -> None:
    """Note that this user has written a file of an export that runs code, wherever that goes.

    A state folder that cannot be written is no reason to fail: the user is asked for `--trust`.
    """
    with suppress(OSError):
        note = _note_of(file)
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        note.touch()


def is_own_code(file: Path) -> bool:
    """Whether this user has written a file of an export, byte by byte."""
    return _note_of(file).exists()


def require_own_program(file: Path) -> None:
    """Raise `InputError` for a `.pt2` file that may not be opened: torch unpickles parts of it."""
    if file.suffix == PROGRAM and not (trusted() or is_own_code(file)):
        problem = "can run code when it is opened, and you have not written it; --trust opens it"
        raise InputError(str(file), f"{problem}, if you trust whoever made it")


def _note_of(file: Path) -> Path:
    code = hashlib.sha256(file.read_bytes()).hexdigest()
    return state_folder() / "exports" / code


def code_file(folder: Path) -> Path:
    """Return the file of an exported network's code.

    Raises:
        InputError: the folder is not an export.
    """
    files = _codes(folder)
    if len(files) != 1 or not (folder / EXPORTED_WEIGHTS).is_file():
        problem = f"expected an exported network: one .py file and {EXPORTED_WEIGHTS}"
        raise InputError(str(folder), problem + _export_below(folder))
    return files[0]


def _export_below(folder: Path) -> str:
    """Return a remedy: the first export inside a folder of campaigns, or how one is made."""
    inside = (found for found in map(export_in, sorted(folder.glob("*/"))) if found is not None)
    found = next(inside, None)
    if found is None:
        return "; `gensynth export DIR:ID --to FOLDER` writes one for a candidate of a campaign"
    return f"; did you mean {str(found)!r}?"


def _codes(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.py") if path.name not in BESIDE)


def _run(file: Path, name: str) -> "Callable[..., nn.Module]":
    """Run a file as a module that cannot be imported elsewhere, and return its function `name`."""
    module = ModuleType(f"_gensynth_export_{file.stem}")
    # Dataclasses look up their module while they are defined.
    sys.modules[module.__name__] = module
    try:
        exec(compile(file.read_bytes(), file, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        raise InputError(str(file), f"cannot be run: {type(error).__name__}: {error}") from error
    finally:
        del sys.modules[module.__name__]
    factory: Any = getattr(module, name, None)
    if not callable(factory):
        raise InputError(str(file), f"expected a function {name}(), found none")
    return factory  # type: ignore[no-any-return]
