"""Export: a network as a folder that stands alone, and such a folder read back.

`NAME.py` (imports torch only), `model.safetensors`, `genome.json`, `card.md`, and for other tools
`config.json` and `timm_model.py`. Nothing is a pickle, and nothing is half written: the folder
appears whole, after it was checked.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.errors import InputError
from gensynth.exports.hub_files import LOADING, Images, write_hub_files
from gensynth.exports.standalone import standalone
from gensynth.genome import GENOME
from gensynth.models.exported import WEIGHTS, load_folder, with_weights
from gensynth.space import Source, build_source

if TYPE_CHECKING:
    from torch import Tensor, nn

CARD = "card.md"
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
    searched = with_weights(build_source(source), weights, "weights")
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
