"""A named network as a row: built, traced, counted and judged as far as it can be."""

import os
import sys
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.campaign.experiment import embedded_experiment, read_experiment
from gensynth.cli.rows import Row
from gensynth.errors import InputError, unknown
from gensynth.evaluation.constraint import Candidate, Indicator, with_top1
from gensynth.evaluation.score import NetScore, Score
from gensynth.graph.columns import report
from gensynth.graph.profile import BYTES, profile
from gensynth.graph.trace import trace
from gensynth.models import timm_models
from gensynth.models.by_name import IMAGENET, Model, find_model
from gensynth.models.timm_models import OF_THE_PAPER
from gensynth.space import Task

if TYPE_CHECKING:
    from torch import nn

PUBLISHED = "published:"
"""Before the name of a network of which only figures are published."""
PEERS = (f"{PUBLISHED}OFA-62", *OF_THE_PAPER)
"""All networks that arXiv 2208.06980 compares its own with."""


@dataclass(frozen=True)
class Wanted:
    """What is asked of named networks."""

    rules: Indicator
    score: Score
    published: bool = True
    """Whether the published ImageNet top-1 of a network counts where no other is given."""
    image_size: int | None = None
    """Height and width in pixels; None = what the network is made for, else ImageNet's 224."""
    channels: int = IMAGENET.channels
    classes: int = IMAGENET.classes
    assumed: str = ""
    """What was supposed where an experiment's own images were not looked at."""

    def task_of(self, name: str) -> Task:
        """Say what the network `name` is built for."""
        size = self.image_size or _own_size(name)
        return Task(self.channels, size, size, self.classes)


def wanted_by(
    experiment: Path | None, image_size: int | None, channels: int, classes: int
) -> Wanted:
    """Ask what an experiment asks, at its image size; without one, what the paper does.

    An experiment's images are not opened, so the channels and classes are those that are given.
    """
    if experiment is None:
        paper = embedded_experiment("paper")
        rules, function = paper.make_indicator(), paper.make_score()
        return Wanted(rules, function, True, image_size, channels, classes)
    settings = read_experiment(experiment)
    size = image_size or settings.data.image_size
    at = f"{size} px, " if size and not image_size else ""
    assumed = f"counted at {at}{channels} channels, {classes:,} classes"
    rules, function = settings.make_indicator(), settings.make_score()
    return Wanted(rules, function, False, size, channels, classes, assumed)


def _own_size(name: str) -> int:
    """Give the image size of the published accuracy, or what timm made the network for."""
    known = timm_models.published().get(name)
    kind, _, word = name.partition(":")
    size = known.image_size if known else timm_models.image_size(word) if kind == "timm" else None
    return size or IMAGENET.height


def judged_row(name: str, wanted: Wanted, top1: float | None = None) -> Row:
    """Build `name` and say all that can be said of it; what cannot be traced says so.

    Without `top1` (percent) the published one may count, on the task of its publication.
    """
    if name.startswith(PUBLISHED):
        return _published_row(name, wanted)
    # What a network prints must not come between the lines of --json.
    with redirect_stdout(sys.stderr):
        return _judged(name, wanted, top1)


def _judged(name: str, wanted: Wanted, top1: float | None) -> Row:
    task = wanted.task_of(name)
    model, lack = _built(name, task)
    known = _known(name, task) if top1 is None and wanted.published else None
    size = f"top-1 at {known.image_size} px: {known.source}" if known else ""
    if not known and task.height not in (wanted.image_size, IMAGENET.height):
        size = f"at {task.height} px, the size it is made for"
    if Path(name).suffix == ".json" and wanted.image_size is None:
        size = f"a genome file tells no image size: counted at {task.height} px (--image-size)"
    note = _joined(size, lack, wanted.assumed)
    top1 = known.top1 if known else top1
    try:
        candidate = _candidate(model, task)
    except InputError as error:
        note = _joined(error.problem, note)
        return Row(name, None, top1, note=note, params=_parameters(model.module))
    candidate = candidate if top1 is None else with_top1(candidate, top1)
    score, problem = (None, "") if top1 is None else _scored(candidate, wanted.score)
    note = _joined(note, problem)
    judgements, columns = wanted.rules.judge(candidate), report(candidate.graph)
    return Row(name, candidate.profile, top1, score, judgements, note, columns=columns)


def _joined(*remarks: str) -> str:
    return "; ".join(filter(None, remarks))


def _built(name: str, task: Task) -> tuple[Model, str]:
    """Build the network; one of timm's that would not fit into memory, without its numbers."""
    import torch

    if name.startswith("timm:"):
        with suppress(RuntimeError, NotImplementedError), torch.device("meta"):
            model = find_model(name, task)
            if _parameters(model.module) * BYTES > memory_bytes() / 2:
                return model, _TOO_LARGE
    return find_model(name, task, Path.cwd()), ""


_TOO_LARGE = "too large for this machine, judged without its numbers: a fixed blur counts as none"


def memory_bytes() -> float:
    """Give the bytes of this machine's memory, as far as it tells them."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return inf


def _scored(candidate: Candidate, score: Score) -> tuple[float | None, str]:
    """Give the score and, where it does not exist (no parameters, a top-1 of 0), the reason."""
    try:
        return score(candidate), ""
    except ValueError as error:
        return None, f"no score: {error}"


def _candidate(model: Model, task: Task) -> Candidate:
    graph = trace(model.module, model.input_shape)
    return Candidate(graph, profile(graph), task, module=lambda: model.module)


def _parameters(module: "nn.Module") -> int:
    from torch.nn.parameter import is_lazy

    return sum(p.numel() for p in module.parameters() if not is_lazy(p))


def _known(name: str, task: Task) -> timm_models.PublishedFigures | None:
    """Find the published accuracy of a network, where it was measured on the same task."""
    row = timm_models.published().get(name)
    if row is None or task != Task(IMAGENET.channels, row.image_size, row.image_size, 1000):
        return None
    return row


def _published_row(name: str, wanted: Wanted) -> Row:
    figures = {n: row for n, row in timm_models.published().items() if row.params and row.macs}
    row = figures.get(name.removeprefix(PUBLISHED))
    if row is None or row.params is None or row.macs is None:
        raise unknown(name, "published network", name, [PUBLISHED + n for n in figures])
    score = None
    if isinstance(wanted.score, NetScore):
        score = wanted.score.of(row.top1, row.params, row.macs)
    note = f"all figures {row.source}"
    return Row(name, None, row.top1, score, note=note, params=row.params, macs=row.macs)
