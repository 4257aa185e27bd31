"""Write a network as a standalone folder.

It contains `NAME.py` (imports only torch), `model.safetensors`, `genome.json`, `card.md`, and for
other tools `config.json` and `timm_model.py`. Nothing is a pickle. The folder appears only when it
is complete and was compared with the searched network.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.errors import InputError
from gensynth.exports.agreement import Agreement, Extras, add_formats, formats_section
from gensynth.exports.hub_files import LOADING, Images, write_hub_files
from gensynth.exports.standalone import standalone
from gensynth.genome import GENOME
from gensynth.models.exported import EXPORTED_WEIGHTS, load_folder, with_weights
from gensynth.space import Source, build_source

if TYPE_CHECKING:
    from torch import Tensor, nn

CARD = "card.md"
TOLERANCE = 1e-6
"""Largest difference allowed between the outputs of the searched and the exported network."""


class ExportError(RuntimeError):
    """The exported network differs from the searched one; nothing was written."""


@dataclass(frozen=True)
class ExportCheck:
    """The comparison of an export with the searched network."""

    largest_difference: float
    """Largest difference between two outputs of the PyTorch files."""
    params: int
    agreements: tuple[Agreement, ...] = ()
    """Of each other format; one that disagrees was removed."""


def write_folder(
    folder: Path,
    name: str,
    source: Source,
    weights: "Mapping[str, Tensor]",
    genome_json: str,
    card: str,
    replace: bool = False,
    extras: Extras | None = None,
    images: Images | None = None,
) -> ExportCheck:
    """Write a network to `folder`, and compare what was written with the searched network.

    Args:
        folder: the folder to write.
        name: name of the file and of its factory.
        source: how to build the searched network.
        weights: its weights.
        genome_json: its genome file.
        card: its card; how to load the network and how formats agree is appended.
        replace: whether to replace an earlier export.
        extras: other formats to write.
        images: normalisation and class names of the images that it was trained on.

    Raises:
        InputError: the folder exists (with `replace`: and is not an earlier export) or cannot be
            written, or the weights do not fit.
        ExportError: the written network differs from the searched one.
    """
    _refuse_occupied(folder, replace)
    searched = with_weights(build_source(source), weights, "weights")
    with _draft_of(folder) as draft:
        _write_files(draft, name, source, weights, genome_json, card + LOADING.format(name=name))
        write_hub_files(draft, name, source, searched, genome_json, images or Images())
        check = _compare(searched, load_folder(draft), source.input_shape)
        if extras is not None and extras.formats:
            check = _with_formats(check, extras, searched, draft)
        _move(draft, folder)
    return check


@contextmanager
def _draft_of(folder: Path) -> Iterator[Path]:
    """Yield the folder in which an export is written; it is gone in the end, moved or removed."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise InputError(str(folder), f"cannot be written ({error.strerror})") from None


def _refuse_occupied(folder: Path, replace: bool) -> None:
    if not folder.exists():
        return
    if not replace:
        raise InputError(str(folder), "exists already; choose another folder")
    if not (folder / EXPORTED_WEIGHTS).is_file() and any(folder.iterdir()):
        raise InputError(str(folder), "is not an earlier export and is therefore not replaced")


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
    file = draft / EXPORTED_WEIGHTS
    save_file({key: w.detach().cpu().contiguous() for key, w in weights.items()}, file)
    file.chmod(0o644)  # As readable as the other files; safetensors makes it private.


def _with_formats(
    check: ExportCheck, extras: Extras, searched: "nn.Module", draft: Path
) -> ExportCheck:
    agreements = add_formats(extras, searched, draft)
    with (draft / CARD).open("a", encoding="utf-8") as card:
        card.write(formats_section(agreements))
    return ExportCheck(check.largest_difference, check.params, agreements)


def _move(draft: Path, folder: Path) -> None:
    """Rename the complete draft to `folder`; an earlier export is deleted last."""
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
    # "Not at most" instead of "greater than" also catches NaN.
    if not largest <= TOLERANCE or ours != theirs:
        raise ExportError(
            f"expected outputs within {TOLERANCE:g} and {ours:,} parameters, got a difference of "
            f"{largest} and {theirs:,} parameters"
        )
    return ExportCheck(largest, theirs)
