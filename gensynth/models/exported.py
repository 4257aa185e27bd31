"""Read an exported folder: its network, and the shape of its input."""

import ast
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gensynth.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

EXPORTED_WEIGHTS = "model.safetensors"
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
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    file = _code(folder)
    factory = _run(file)
    try:
        weights = load_file(folder / EXPORTED_WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise InputError(str(folder / EXPORTED_WEIGHTS), f"cannot be read ({error})") from None
    network = network_of(factory, f"{file}: {file.stem}()")
    return with_weights(network, weights, str(folder / EXPORTED_WEIGHTS))


def input_shape(folder: Path) -> tuple[int, int, int] | None:
    """Return the (C, H, W) of an exported network's input, or None if its file does not say.

    The file is read, but not run.

    Raises:
        InputError: the folder is not an export, or its file is damaged.
    """
    file = _code(folder)
    try:
        body = ast.parse(file.read_bytes()).body
    except (SyntaxError, ValueError) as error:
        raise InputError(str(file), f"is not a Python file ({error})") from None
    for node in body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "INPUT_SHAPE":
            return _shape(node.value, folder)
    return None


def _shape(node: ast.expr, folder: Path) -> tuple[int, int, int]:
    try:
        shape = ast.literal_eval(node)
    except ValueError:
        shape = None
    numbers = isinstance(shape, tuple) and [n for n in shape if type(n) is int and n > 0]
    if not numbers or len(numbers) != 3 or shape != tuple(numbers):
        problem = f"expected three integers greater than 0, got {ast.unparse(node)[:60]}"
        raise InputError(f"{_code(folder)}: INPUT_SHAPE", problem)
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


def _code(folder: Path) -> Path:
    files = sorted(path for path in folder.glob("*.py") if path.name not in BESIDE)
    if len(files) != 1 or not (folder / EXPORTED_WEIGHTS).is_file():
        problem = f"expected an exported network: one .py file and {EXPORTED_WEIGHTS}"
        raise InputError(str(folder), problem)
    return files[0]


def _run(file: Path) -> "Callable[[], nn.Module]":
    """Run a file as a module that cannot be imported elsewhere, and return its factory."""
    module = ModuleType(f"_gensynth_export_{file.stem}")
    # Dataclasses look up their module while they are defined.
    sys.modules[module.__name__] = module
    try:
        exec(compile(file.read_bytes(), file, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        raise InputError(str(file), f"cannot be run: {type(error).__name__}: {error}") from error
    finally:
        del sys.modules[module.__name__]
    factory: Any = getattr(module, file.stem, None)
    if not callable(factory):
        raise InputError(str(file), f"expected a factory {file.stem}(), found none")
    return factory  # type: ignore[no-any-return]
