"""An exported folder read back: its network, and the shape that it takes."""

import ast
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gensynth.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

WEIGHTS = "model.safetensors"
TIMM = "timm_model.py"
"""The wrapper of an export that timm builds; not the network's own file."""


def load_folder(folder: Path) -> "nn.Module":
    """Build the network of an exported folder, with its weights; this runs the folder's code."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    file = _code(folder)
    factory = _run(file)
    try:
        weights = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise InputError(str(folder / WEIGHTS), f"cannot be read ({error})") from None
    return with_weights(_built(factory, file), weights, str(folder / WEIGHTS))


def input_shape(folder: Path) -> tuple[int, int, int] | None:
    """Read the (C, H, W) that an exported network takes, without running it; None if not said."""
    file = _code(folder)
    try:
        body = ast.parse(file.read_bytes()).body
    except (SyntaxError, ValueError) as error:
        raise InputError(str(file), f"is no Python file ({error})") from None
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
        problem = f"expected three numbers above 0, got {ast.unparse(node)[:60]}"
        raise InputError(f"{_code(folder)}: INPUT_SHAPE", problem)
    channels, height, width = numbers
    return channels, height, width


def _built(factory: "Callable[[], Any]", file: Path) -> "nn.Module":
    from torch import nn

    place = f"{file}: {file.stem}()"
    try:
        module = factory()
    except (Exception, SystemExit) as error:
        raise InputError(place, f"raised {type(error).__name__}: {error}") from error
    if not isinstance(module, nn.Module):
        raise InputError(place, f"gives {type(module).__name__}, not a torch.nn.Module")
    return module


def with_weights(module: "nn.Module", weights: "Mapping[str, Tensor]", place: str) -> "nn.Module":
    """Load `weights` into `module` and set eval mode; `InputError` where they do not fit."""
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(place, f"are not those of this network: {error}") from None
    return module.eval()


def _code(folder: Path) -> Path:
    files = sorted(path for path in folder.glob("*.py") if path.name != TIMM)
    if len(files) != 1 or not (folder / WEIGHTS).is_file():
        raise InputError(str(folder), f"is no exported network (one .py file and {WEIGHTS})")
    return files[0]


def _run(file: Path) -> "Callable[[], nn.Module]":
    """Run a file as a module that nobody else can import, and give its factory."""
    module = ModuleType(f"_gensynth_export_{file.stem}")
    # Dataclasses look their module up while they are made.
    sys.modules[module.__name__] = module
    try:
        exec(compile(file.read_bytes(), file, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        raise InputError(str(file), f"cannot run: {type(error).__name__}: {error}") from error
    finally:
        del sys.modules[module.__name__]
    factory: Any = getattr(module, file.stem, None)
    if not callable(factory):
        raise InputError(str(file), f"has no factory {file.stem}()")
    return factory  # type: ignore[no-any-return]
