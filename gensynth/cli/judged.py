"""A named network as a row: built, traced, counted and judged as far as it can be."""

from pathlib import Path

from gensynth.cli.rows import Row
from gensynth.constraint import Candidate, Indicator, with_top1
from gensynth.errors import InputError
from gensynth.models import Model, find_model
from gensynth.profile import profile
from gensynth.score import Score
from gensynth.space import Task
from gensynth.trace import trace


def judged_row(
    name: str,
    task: Task,
    indicator: Indicator,
    folder: Path,
    top1: float | None = None,
    score: Score | None = None,
) -> Row:
    """Build `name` and say all that can be said of it; what cannot be traced says so."""
    model = find_model(name, task, folder)
    try:
        candidate = _candidate(model, task)
    except InputError as error:
        params = sum(p.numel() for p in model.module.parameters() if p.requires_grad)
        return Row(name, note=f"{error.problem}; it has {params:,} parameters")
    if top1 is not None:
        candidate = with_top1(candidate, top1)
    value = score(candidate) if score is not None and top1 is not None else None
    return Row(name, candidate.profile, top1, value, indicator.judge(candidate))


def _candidate(model: Model, task: Task) -> Candidate:
    graph = trace(model.module, model.input_shape)
    return Candidate(graph, profile(graph), task, module=lambda: model.module)
