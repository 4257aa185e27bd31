"""Other formats in an export: each is written, run, and compared with the searched network."""

import shutil
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.errors import InputError
from gensynth.formats import Deployment, Format, Run, RunsElsewhere
from gensynth.formats.real_inputs import RealInputs
from gensynth.models.exported import remember_code
from gensynth.models.timm_models import as_it_runs

if TYPE_CHECKING:
    from torch import Tensor, nn

COMPARED_AT_ONCE = 64
"""Images per batch; the last batch is smaller, which tests the free batch axis."""

COMPARED_ELSEWHERE = 200
"""Largest number of images on which further runtimes are compared: that of microcontrollers runs
plain C here."""
FORMATS = "## Formats"
"""Head of the section of a card about formats, which is its last."""
ROUNDING = 4.0
"""Largest difference allowed, as a multiple of the rounding error of float32 in the network."""


@dataclass(frozen=True)
class Extras:
    """The formats to write in addition to the PyTorch file, and the images to compare them on."""

    formats: Sequence[Format]
    inputs: RealInputs


@dataclass(frozen=True)
class Agreement:
    """The comparison of one format with the searched network."""

    format: str
    file: str
    largest_difference: float
    """Largest difference between two logits."""
    allowed: float | None
    """Largest difference allowed; None if it is only measured.

    It is the format's tolerance, or `ROUNDING` times the rounding error of float32 in the searched
    network if that is larger.
    """
    same_class: float
    """Top-1 agreement: percentage of images for which both predict the same class."""
    torn: int
    """Images classified differently although the two best logits differ by more than `allowed`."""
    images: int
    origin: str
    """Where the images come from."""
    top1_searched: float | None = None
    """Percent; None unless the images have labels and the weights were trained."""
    top1_written: float | None = None
    """Likewise, for the format."""
    elsewhere: "tuple[Agreement, ...]" = ()
    """The same file in other runtimes."""
    unable: tuple[str, ...] = ()
    """Runtimes that cannot run the file, each with the reason."""

    @property
    def agrees(self) -> bool:
        """Whether the format may stay in the export."""
        return self._agrees and all(other.agrees for other in self.elsewhere)

    @property
    def _agrees(self) -> bool:
        if self.allowed is None:
            return self.largest_difference < float("inf")
        return self.largest_difference <= self.allowed and self.torn == 0

    @property
    def top1_loss(self) -> float | None:
        """Percentage points of top-1 that the format loses; None if there are no labels."""
        if self.top1_searched is None or self.top1_written is None:
            return None
        return self.top1_searched - self.top1_written

    def __str__(self) -> str:
        """Return the comparison, one line for each runtime."""
        return "\n".join([self._line, *map(str, self.elsewhere), *self.unable])

    @property
    def _line(self) -> str:
        text = f"{self.format}: largest difference {self.largest_difference:.3g}"
        text += "" if self.allowed is None else f" (at most {self.allowed:.3g})"
        text += f", top-1 agreement {self.same_class:.2f} % on {self.images:,} {self.origin}"
        if self.top1_loss is not None:
            text += f", top-1 {self.top1_written:.2f} %, {self.top1_loss:.2f} points lost"
        return text if self._agrees else f"{text}; DISAGREES, removed"


def add_formats(
    extras: Extras, searched: "nn.Module", folder: Path, metadata: Mapping[str, str]
) -> tuple[Agreement, ...]:
    """Write formats of the network `searched` into `folder`, and keep those that agree."""
    channels, height, width = extras.inputs.images.shape[1:]
    shape = (channels, height, width)
    network = Deployment(as_it_runs(searched), shape, extras.inputs.calibration, metadata)
    return tuple(add_format(each, network, extras.inputs, folder) for each in extras.formats)


def add_format(format_: Format, network: Deployment, inputs: RealInputs, folder: Path) -> Agreement:
    """Write a format into `folder`, run it there, and remove it if it disagrees."""
    path = folder / format_.file
    format_.write(network, path)
    agreement = compared(format_, path, network.searched, inputs)
    if isinstance(format_, RunsElsewhere):
        agreement = _elsewhere(agreement, format_, path, network.searched, inputs)
    if not agreement.agrees:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    elif path.is_file():
        remember_code(path)
    return agreement


def compared(format_: Format, path: Path, searched: "nn.Module", inputs: RealInputs) -> Agreement:
    """Run a written format and the searched network on the same images, and compare the logits."""
    return _compared(format_, format_.open(path), searched, inputs)


def _elsewhere(
    agreement: Agreement,
    format_: Format,
    path: Path,
    searched: "nn.Module",
    inputs: RealInputs,
) -> Agreement:
    """Add the comparisons of a file's other runtimes, on evenly spread images."""
    if not isinstance(format_, RunsElsewhere):
        return agreement
    fewer = inputs.fewer(COMPARED_ELSEWHERE)
    try:
        runs = format_.open_elsewhere(path)
        found = {name: _compared(format_, run, searched, fewer) for name, run in runs.items()}
    except InputError as error:
        return replace(agreement, unable=(f"{format_.name}: {error}",))
    named = [replace(other, format=f"{other.format} in {name}") for name, other in found.items()]
    return replace(agreement, elsewhere=tuple(named))


def _compared(format_: Format, run: Run, searched: "nn.Module", inputs: RealInputs) -> Agreement:
    written = _all_logits(run, inputs.images)
    expected = _all_logits(_run(searched), inputs.images)
    allowed = format_.tolerance
    # "Not at most" instead of "greater than" also catches NaN.
    if allowed is not None and not float((expected - written).abs().max()) <= allowed:
        allowed = max(allowed, ROUNDING * _rounding_error(searched, expected, inputs))
    return _agreement(format_, expected, written, allowed, inputs)


def _rounding_error(searched: "nn.Module", expected: "Tensor", inputs: RealInputs) -> float:
    """Return the error of the searched network in float32; no format can be more exact."""
    try:
        exact = _all_logits(_run(deepcopy(searched).double()), inputs.images.double())
    except RuntimeError:  # A part of the network works in float32 only.
        return 0.0
    error = float((exact - expected).abs().max())
    return error if isfinite(error) else 0.0


def formats_section(agreements: Sequence[Agreement]) -> str:
    """Return the agreements as a section of a card, in Markdown."""
    heads = ("file", "largest difference", "allowed", "top-1 agreement", "images", "top-1 lost")
    lines = ["", FORMATS, "", "Each was run on images when it was written:", ""]
    lines += [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for agreement in agreements:
        lines += [_row(each, agreement.agrees) for each in (agreement, *agreement.elsewhere)]
    notes = [line for agreement in agreements for line in ("", *agreement.unable)]
    return "\n".join([*lines, *notes]).rstrip() + "\n"


def _row(agreement: Agreement, stays: bool) -> str:
    allowed, lost = agreement.allowed, agreement.top1_loss
    where = agreement.format.partition(" in ")[2]
    cells = [
        f"`{agreement.file}`" if stays else f"{agreement.file}: disagreed, removed",
        f"{agreement.largest_difference:.3g}",
        "only measured" if allowed is None else f"{allowed:.3g}",
        f"{agreement.same_class:.2f} %",
        f"{agreement.images:,} {agreement.origin}",
        "unknown" if lost is None else f"{lost:.2f} points, to {agreement.top1_written:.2f} %",
    ]
    cells[0] += f", in {where}" if where else ""
    return f"| {' | '.join(cells)} |"


def _run(module: "nn.Module") -> Run:
    import torch

    def run(images: "Tensor") -> "Tensor":
        with torch.no_grad():
            logits: Tensor = module(images)
        return logits

    return run


def _all_logits(run: Run, images: "Tensor") -> "Tensor":
    import torch

    return torch.cat([run(batch) for batch in torch.split(images, COMPARED_AT_ONCE)])


def _agreement(
    format_: Format,
    searched: "Tensor",
    written: "Tensor",
    allowed: float | None,
    inputs: RealInputs,
) -> Agreement:
    gaps = (searched - written).abs()
    largest = float(gaps.max()) if bool(gaps.isfinite().all()) else float("inf")
    ours, theirs = searched.argmax(1), written.argmax(1)
    best = searched.topk(min(2, searched.shape[1]), dim=1).values
    clear = (best[:, 0] - best[:, -1]) > (allowed or 0.0)
    labels = inputs.labels
    return Agreement(
        format=format_.name,
        file=format_.file,
        largest_difference=largest,
        allowed=allowed,
        same_class=_percent(ours == theirs),
        torn=int((clear & (ours != theirs)).sum()),
        images=len(searched),
        origin=inputs.origin,
        top1_searched=None if labels is None else _percent(ours == labels),
        top1_written=None if labels is None else _percent(theirs == labels),
    )


def _percent(hits: "Tensor") -> float:
    return 100 * float(hits.float().mean())
