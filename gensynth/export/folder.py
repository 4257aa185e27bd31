"""Export: a network as a folder that stands alone, and such a folder read back.

`NAME.py` (imports torch only), `model.safetensors`, `genome.json`, `card.md`, and for other tools
`config.json` and `timm_model.py`. Nothing is a pickle, and nothing is half written: the folder
appears whole, after it was checked.
"""

import ast
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gensynth.errors import InputError
from gensynth.export.hub_files import LOADING, TIMM, Images, write_hub_files
from gensynth.export.standalone import standalone
from gensynth.genome import GENOME
from gensynth.space import Source, make

if TYPE_CHECKING:
    from torch import Tensor, nn

WEIGHTS, CARD = "model.safetensors", "card.md"
TOLERANCE = 1e-6
"""Largest difference between the outputs of the searched and the exported network."""


More = Callable[["nn.Module", Path], None]


class ExportError(RuntimeError):
    """The exported network is not the one that was searched; nothing was left behind."""


@dataclass(frozen=True)
class ExportCheck:
    """What the comparison of the written network with the searched one showed."""

    largest_difference: float
    params: int


def write(
    folder: Path,
    name: str,
    source: Source,
    weights: "Mapping[str, Tensor]",
    genome_json: str,
    card: str,
    replace: bool = False,
    more: More | None = None,
    images: Images | None = None,
) -> ExportCheck:
    """Write a network to `folder`, with a factory called `name`, and compare it as written.

    `more` may add files, given the searched network and the folder while nobody sees it yet;
    `images` are those that it was trained on.

    `InputError` where the folder exists (with `replace`: is no earlier export) or cannot be
    written, or the weights are not the network's; `ExportError` where it computes otherwise.
    """
    _refuse_occupied(folder, replace)
    searched = _loaded(make(source), weights, "weights")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise InputError(str(folder), f"cannot be written ({error.strerror})") from None
    try:
        _write_files(draft, name, source, weights, genome_json, card + LOADING.format(name=name))
        write_hub_files(draft, name, source, searched, genome_json, images or Images())
        check = _compare(searched, load_folder(draft), source.input_shape)
        if more is not None:
            more(searched, draft)
        _move(draft, folder)
    except BaseException as error:
        shutil.rmtree(draft, ignore_errors=True)
        if isinstance(error, OSError):
            raise InputError(str(folder), f"cannot be written ({error.strerror})") from None
        raise
    return check


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
    return _loaded(_built(factory, file), weights, str(folder / WEIGHTS))


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


def _refuse_occupied(folder: Path, replace: bool) -> None:
    if not folder.exists():
        return
    if not replace:
        raise InputError(str(folder), "exists; nothing was written")
    if not (folder / WEIGHTS).is_file() and any(folder.iterdir()):
        raise InputError(str(folder), "is no earlier export, so it is not replaced")


def _write_files(
    draft: Path,
    name: str,
    source: Source,
    weights: "Mapping[str, Tensor]",
    genome_json: str,
    card: str,
) -> None:
    from safetensors.torch import save_file

    (draft / f"{name}.py").write_text(standalone(source, name), encoding="utf-8")
    (draft / GENOME).write_text(genome_json + "\n", encoding="utf-8")
    (draft / CARD).write_text(card, encoding="utf-8")
    save_file({key: w.detach().cpu().contiguous() for key, w in weights.items()}, draft / WEIGHTS)
    (draft / WEIGHTS).chmod(0o644)  # Readable as the files beside it; safetensors makes it private.


def _move(draft: Path, folder: Path) -> None:
    """Put the finished draft in its place; an earlier export goes only when it stands there."""
    draft.chmod(0o755)
    if not folder.exists():
        draft.rename(folder)
        return
    old = folder.with_name(f"{draft.name}.old")
    folder.rename(old)
    try:
        draft.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old)


def _loaded(module: "nn.Module", weights: "Mapping[str, Tensor]", place: str) -> "nn.Module":
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(place, f"are not those of this network: {error}") from None
    return module.eval()


def _compare(
    searched: "nn.Module", exported: "nn.Module", shape: tuple[int, int, int]
) -> ExportCheck:
    import torch

    images = torch.rand(4, *shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        largest = float((searched(images) - exported(images)).abs().max())
    ours, theirs = (sum(p.numel() for p in net.parameters()) for net in (searched, exported))
    # A comparison with NaN is never true, so this also refuses a network that gives NaN.
    if not largest <= TOLERANCE or ours != theirs:
        raise ExportError(
            f"outputs differ by {largest}, parameters are {theirs:,} instead of {ours:,}"
        )
    return ExportCheck(largest, theirs)


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
