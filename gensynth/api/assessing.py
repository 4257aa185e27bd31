"""Assess a network: build it, trace it, count it, and judge it as far as possible."""

import os
import sys
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.campaign.experiment import Experiment, embedded_experiment
from gensynth.data.open import task_of
from gensynth.data.sets import DataSettings
from gensynth.errors import InputError, unknown
from gensynth.evaluation.constraint import Candidate, Indicator, with_top1
from gensynth.evaluation.score import NetScore, Score
from gensynth.graph.columns import stage_reports
from gensynth.graph.profile import BYTES, Profile, profile
from gensynth.graph.second_opinions import opinions
from gensynth.graph.trace import trace
from gensynth.graph.trace.stored_parameters import stored, total
from gensynth.models import timm_models
from gensynth.models.by_name import IMAGENET, Model, find_model
from gensynth.models.timm_models import OF_THE_PAPER
from gensynth.report.network_assessment import Assessment
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
    """Height in pixels; None: what the network is made for, else ImageNet's 224."""
    width: int | None = None
    """Width in pixels; None: as the height."""
    channels: int = IMAGENET.channels
    classes: int = IMAGENET.classes
    assumed: str = ""
    """For what images of an experiment networks are built, and what of that was assumed."""

    def task_of(self, name: str) -> Task:
        """Return the task that the network `name` is built for."""
        size = self.image_size or _own_size(name)
        return Task(self.channels, size, self.width or size, self.classes)


def criteria_of(
    experiment: Experiment | None,
    image_size: int | None = None,
    channels: int | None = None,
    classes: int | None = None,
) -> Criteria:
    """Return the criteria of an experiment, for its own images; without one, the paper's.

    Size, channels and classes that are not given are those of the experiment's data; if that
    cannot be read here, they are what its file says, else ImageNet's, and a note says so.
    """
    if experiment is None:
        paper = embedded_experiment("paper")
        rules, function = paper.make_indicator(), paper.make_score()
        channels, classes = channels or IMAGENET.channels, classes or IMAGENET.classes
        return Criteria(rules, function, True, image_size, None, channels, classes)
    rules, function = experiment.make_indicator(), experiment.make_score()
    data, problem = _task_of_data(experiment.data)
    size = image_size or data.height or None
    width = None if image_size else data.width or None
    channels, classes = channels or data.channels, classes or data.classes
    pixels = f"{size}" if width in (None, size) else f"{size}x{width}"
    at = f"{pixels} px, " if size and not image_size else ""
    assumed = _joined(f"counted at {at}{channels} channels, {classes:,} classes", problem)
    return Criteria(rules, function, False, size, width, channels, classes, assumed)


def _task_of_data(data: DataSettings) -> tuple[Task, str]:
    """Return what a network for these images takes, and why a part of it had to be assumed."""
    try:
        return task_of(data), ""
    except InputError as error:
        size = data.image_size or 0
        channels = data.channels or IMAGENET.channels
        return Task(channels, size, size, IMAGENET.classes), f"assumed in part: {error}"


def _own_size(name: str) -> int:
    """Return the image size of the published accuracy, or what timm made the network for."""
    known = timm_models.published().get(name)
    kind, _, word = name.partition(":")
    size = known.image_size if known else timm_models.image_size(word) if kind == "timm" else None
    return size or IMAGENET.height


def assess(
    model: "str | nn.Module",
    criteria: Criteria,
    top1: float | None = None,
    ask: bool | None = False,
) -> Assessment:
    """Assess a network, given by name or as a module; one that cannot be traced says why.

    Without `top1` (percent), the published one may count, on the task of its publication. `ask`
    says whether other counters are asked for their opinion; None: if that is cheap.
    """
    if isinstance(model, str) and model.startswith(PUBLISHED):
        return _published_assessment(model, criteria)
    # What a network prints must not get between the lines of --json.
    with redirect_stdout(sys.stderr):
        if isinstance(model, str):
            return _named(model, criteria, top1, ask)
        name = type(model).__name__
        task = criteria.task_of(name)
        built = Model(name, model, (task.channels, task.height, task.width))
        return _assessed(built, task, criteria, top1, criteria.assumed, ask)


def _named(name: str, criteria: Criteria, top1: float | None, ask: bool | None) -> Assessment:
    task = criteria.task_of(name)
    model, lack = _built(name, task)
    known = _known(name, task) if top1 is None and criteria.published else None
    size = f"top-1 at {known.image_size} px: {known.source}" if known else ""
    if not known and task.height not in (criteria.image_size, IMAGENET.height):
        size = f"at {task.height} px, the size it is made for"
    if Path(name).suffix == ".json" and criteria.image_size is None:
        size = f"a genome file has no image size: counted at {task.height} px (--image-size)"
    note = _joined(size, lack, criteria.assumed)
    return _assessed(model, task, criteria, known.top1 if known else top1, note, ask)


def _assessed(
    model: Model, task: Task, criteria: Criteria, top1: float | None, note: str, ask: bool | None
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
        columns=None if graph.unknown else stage_reports(graph),
        graph=graph,
        opinions=opinions(model.module, model.input_shape) if _asks(ask, costs) else None,
    )


CHEAP_MACS, CHEAP_PARAMS = 1e9, 3e7
"""Up to these, other counters are asked by default; they run the network again."""


def _asks(ask: bool | None, costs: Profile) -> bool:
    cheap = costs.macs <= CHEAP_MACS and costs.params <= CHEAP_PARAMS
    return cheap if ask is None else ask


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
    return total([*stored(module)]).params


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
