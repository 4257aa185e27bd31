"""Write a network as a standalone folder.

It contains `NAME.py` (imports only torch), `model.safetensors`, `genome.json`, `card.md`, and for
other tools `config.json` and `timm_model.py`. Nothing is a pickle. The folder appears only when it
is complete and was compared with the searched network.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.errors import InputError, shown
from gensynth.exports.agreement import Agreement, Extras, add_formats, formats_section
from gensynth.exports.foreign_code import builder_code
from gensynth.exports.hub_files import Images, loading, write_hub_files
from gensynth.exports.predict_files import write_predict, write_predict_onnx
from gensynth.exports.verified_top1 import DIFFERENCE, Tested
from gensynth.genome import GENOME
from gensynth.models.exported import EXPORTED_WEIGHTS, load_folder, remember_code, with_weights
from gensynth.prediction.evaluation import EVALUATION, Evaluation
from gensynth.serialization import dumps, to_plain
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
    card: str = "",
    replace: bool = False,
    extras: Extras | None = None,
    images: Images | None = None,
    tested: Tested | None = None,
) -> ExportCheck:
    """Write a network to `folder`, and compare what was written with the searched network.

    Args:
        folder: where to write it.
        name: name of the file and of its factory.
        source: how to build the network.
        weights: its weights.
        genome_json: its genome file; empty if it is not of a search space.
        card: its card, unless `tested` writes it; loading and formats are appended.
        replace: whether to replace an earlier export.
        extras: other formats to write.
        images: preprocessing and classes of the images that it was trained on.
        tested: the test split, on which the folder's own prediction is measured.

    Raises:
        InputError: the folder cannot be written, or the weights do not fit.
        ExportError: the written network differs.
    """
    searched = with_weights(build_source(source), weights, "weights")
    images = images or Images.of(searched, source.input_shape)
    with draft_of(folder, replace) as draft:
        _write_files(draft, name, source, searched, weights, genome_json, images)
        check = _compare(searched, load_folder(draft), source.input_shape)
        card = card if tested is None else tested.card(_measured(tested, searched, draft))
        _write_card(draft, card + loading(name, bool(genome_json)))
        check = _with_formats(check, extras, searched, draft, images)
        move(draft, folder)
    return check


def _measured(tested: Tested, searched: "nn.Module", draft: Path) -> Evaluation:
    """Measure what was written on the test pictures; raise `ExportError` for another top-1."""
    found = tested.measured(draft)
    if abs(found.top1 - tested.top1) > DIFFERENCE:
        again = tested.again(searched)
        if abs(found.top1 - again) > DIFFERENCE:
            raise ExportError(
                f"expected the top-1 that was measured, {tested.top1:.2f} %, but the exported "
                f"folder reaches {found.top1:.2f} % on the {tested.name}"
            )
    (draft / EVALUATION).write_text(dumps(found.without_paths) + "\n", encoding="utf-8")
    return found


@contextmanager
def draft_of(folder: Path, replace: bool = False) -> Iterator[Path]:
    """Yield the folder in which an export is written; it is gone in the end, moved or removed.

    Raises `InputError` if `folder` is occupied, see `refuse_occupied`.
    """
    refuse_occupied(folder, replace)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise InputError(str(folder), f"cannot be written ({error.strerror})") from None


def refuse_occupied(folder: Path, replace: bool = False) -> None:
    """Raise `InputError` if `folder` exists, or with `replace` if it is not an earlier export."""
    if not folder.exists():
        return
    if not replace:
        raise InputError(str(folder), "exists already; choose another folder")
    if not (folder / EXPORTED_WEIGHTS).is_file() and any(folder.iterdir()):
        raise InputError(str(folder), "is not an earlier export and is therefore not replaced")


def _write_card(draft: Path, card: str) -> None:
    (draft / CARD).write_text(shown(card), encoding="utf-8")


def _write_files(
    draft: Path,
    name: str,
    source: Source,
    searched: "nn.Module",
    weights: "Mapping[str, Tensor]",
    genome_json: str,
    images: Images,
) -> None:
    """Write the network, its weights, its genome, and the files for timm and for prediction."""
    from safetensors.torch import save_file

    facts = {
        "PREPROCESSING": to_plain(images.preprocessing),
        "CLASSES": list(images.class_names),
    }
    (draft / f"{name}.py").write_text(builder_code(source, name, facts), encoding="utf-8")
    remember_code(draft / f"{name}.py")
    if genome_json:
        (draft / GENOME).write_text(genome_json + "\n", encoding="utf-8")
    file = draft / EXPORTED_WEIGHTS
    stored = {key: w.detach().cpu().contiguous() for key, w in weights.items()}
    save_file(stored, file, metadata={"format": "pt", **images.metadata})
    _sort_header(file)
    write_predict(draft, name, images.preprocessing)
    write_hub_files(draft, name, source, searched, genome_json, images)
    file.chmod(0o644)  # As readable as the other files; safetensors makes it private.


def _sort_header(file: Path) -> None:
    """Write the header of a safetensors file in a fixed order, so that equal exports are equal.

    Its metadata come in any order. The header is JSON after 8 bytes with its length.
    """
    content = file.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    if len(text) > end - 8:
        raise ExportError(f"{file}: the header of the weights cannot be sorted")
    file.write_bytes(content[:8] + text.ljust(end - 8) + content[end:])


def _with_formats(
    check: ExportCheck, extras: Extras | None, searched: "nn.Module", draft: Path, images: Images
) -> ExportCheck:
    if extras is None or not extras.formats:
        return check
    agreements = add_formats(extras, searched, draft, images.metadata)
    write_predict_onnx(draft, images.preprocessing)
    with (draft / CARD).open("a", encoding="utf-8") as card:
        card.write(formats_section(agreements))
    return ExportCheck(check.largest_difference, check.params, agreements)


def move(draft: Path, folder: Path) -> None:
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
