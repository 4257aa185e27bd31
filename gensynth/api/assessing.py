"""Assess a network: build it, trace it, count it, and judge it as far as possible."""

import os
import sys
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.campaign.experiment import Experiment, embedded_experiment
from gensynth.errors import InputError, unknown
from gensynth.evaluation.constraint import Candidate, Indicator, with_top1
from gensynth.evaluation.score import NetScore, Score
from gensynth.graph.columns import report
from gensynth.graph.profile import BYTES, profile
from gensynth.graph.trace import trace
from gensynth.models import timm_models
from gensynth.models.by_name import IMAGENET, Model, find_model
from gensynth.models.timm_models import OF_THE_PAPER
from gensynth.report.assessment import Assessment
from gensynth.space import Task

if TYPE_CHECKING:
    from torch import nn

PUBLISHED = "published:"
"""Prefix of the name of a network of which only figures are published."""
PEERS = (f"{PUBLISHED}OFA-62", *OF_THE_PAPER)
"""The networks that arXiv 2208.06980 compares its own with."""


@dataclass(frozen=True)
class Criteria:
    """By what networks are judged, and for what images they are built."""

    rules: Indicator
    score: Score
    published: bool = True
    """Whether a network's published ImageNet top-1 counts if no other is given."""
    image_size: int | None = None
    """Height and width in pixels; None: what the network is made for, else ImageNet's 224."""
    channels: int = IMAGENET.channels
    classes: int = IMAGENET.classes
    assumed: str = ""
    """What was assumed because the experiment's own images were not opened."""

    def task_of(self, name: str) -> Task:
        """Return the task that the network `name` is built for."""
        size = self.image_size or _own_size(name)
        return Task(self.channels, size, size, self.classes)


def criteria_of(
    experiment: Experiment | None,
    image_size: int | None = None,
    channels: int = IMAGENET.channels,
    classes: int = IMAGENET.classes,
) -> Criteria:
    """Return the criteria of an experiment, at its image size; without one, the paper's.

    The experiment's images are not opened, so channels and classes are those given.
    """
    if experiment is None:
        paper = embedded_experiment("paper")
        rules, function = paper.make_indicator(), paper.make_score()
        return Criteria(rules, function, True, image_size, channels, classes)
    size = image_size or experiment.data.image_size
    at = f"{size} px, " if size and not image_size else ""
    assumed = f"counted at {at}{channels} channels, {classes:,} classes"
    rules, function = experiment.make_indicator(), experiment.make_score()
    return Criteria(rules, function, False, size, channels, classes, assumed)


def _own_size(name: str) -> int:
    """Return the image size of the published accuracy, or what timm made the network for."""
    known = timm_models.published().get(name)
    kind, _, word = name.partition(":")
    size = known.image_size if known else timm_models.image_size(word) if kind == "timm" else None
    return size or IMAGENET.height


def assess(model: "str | nn.Module", criteria: Criteria, top1: float | None = None) -> Assessment:
    """Assess a network, given by name or as a module; one that cannot be traced says why.

    Without `top1` (percent), the published one may count, on the task of its publication.
    """
    if isinstance(model, str) and model.startswith(PUBLISHED):
        return _published_assessment(model, criteria)
    # What a network prints must not get between the lines of --json.
    with redirect_stdout(sys.stderr):
        if isinstance(model, str):
            return _named(model, criteria, top1)
        name = type(model).__name__
        task = criteria.task_of(name)
        built = Model(name, model, (task.channels, task.height, task.width))
        return _assessed(built, task, criteria, top1, criteria.assumed)


def _named(name: str, criteria: Criteria, top1: float | None) -> Assessment:
    task = criteria.task_of(name)
    model, lack = _built(name, task)
    known = _known(name, task) if top1 is None and criteria.published else None
    size = f"top-1 at {known.image_size} px: {known.source}" if known else ""
    if not known and task.height not in (criteria.image_size, IMAGENET.height):
        size = f"at {task.height} px, the size it is made for"
    if Path(name).suffix == ".json" and criteria.image_size is None:
        size = f"a genome file has no image size: counted at {task.height} px (--image-size)"
    note = _joined(size, lack, criteria.assumed)
    return _assessed(model, task, criteria, known.top1 if known else top1, note)


def _assessed(
    model: Model, task: Task, criteria: Criteria, top1: float | None, note: str
) -> Assessment:
    try:
        graph = trace(model.module, model.input_shape)
        costs = profile(graph)
    except InputError as error:
        note = _joined(error.problem, note)
        return Assessment(model.name, None, top1, note=note, params=_parameters(model.module))
    candidate = Candidate(graph, costs, task, module=lambda: model.module)
    candidate = candidate if top1 is None else with_top1(candidate, top1)
    score, problem = (None, "") if top1 is None else _scored(candidate, criteria.score)
    return Assessment(
        model.name,
        costs,
        top1,
        score,
        criteria.rules.judge(candidate),
        _joined(note, problem),
        columns=report(graph),
        graph=graph,
    )


def _joined(*remarks: str) -> str:
    return "; ".join(filter(None, remarks))


def _built(name: str, task: Task) -> tuple[Model, str]:
    """Build the network; one of timm's too large for memory is built without its numbers."""
    import torch

    if name.startswith("timm:"):
        with suppress(RuntimeError, NotImplementedError), torch.device("meta"):
            model = find_model(name, task)
            if _parameters(model.module) * BYTES > memory_bytes() / 2:
                return model, _TOO_LARGE
    return find_model(name, task, Path.cwd()), ""


_TOO_LARGE = "too large for this machine, judged without its numbers: a fixed blur counts as none"


def memory_bytes() -> float:
    """Return the bytes of this machine's memory; infinity if the system does not say."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return inf


def _scored(candidate: Candidate, score: Score) -> tuple[float | None, str]:
    """Return the score, or why there is none (no parameters, a top-1 of 0)."""
    try:
        return score(candidate), ""
    except ValueError as error:
        return None, f"no score: {error}"


def _parameters(module: "nn.Module") -> int:
    from torch.nn.parameter import is_lazy

    return sum(p.numel() for p in module.parameters() if not is_lazy(p))


def _known(name: str, task: Task) -> timm_models.PublishedFigures | None:
    """Return the published accuracy of a network if it was measured on the same task."""
    row = timm_models.published().get(name)
    if row is None or task != Task(IMAGENET.channels, row.image_size, row.image_size, 1000):
        return None
    return row


def _published_assessment(name: str, criteria: Criteria) -> Assessment:
    figures = {n: row for n, row in timm_models.published().items() if row.params and row.macs}
    row = figures.get(name.removeprefix(PUBLISHED))
    if row is None or row.params is None or row.macs is None:
        raise unknown(name, "published network", name, [PUBLISHED + n for n in figures])
    score = None
    if isinstance(criteria.score, NetScore):
        score = criteria.score.of(row.top1, row.params, row.macs)
    note = f"all figures {row.source}"
    return Assessment(name, None, row.top1, score, note=note, params=row.params, macs=row.macs)
