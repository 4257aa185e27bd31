"""The charts of a report: cost and accuracy of the candidates, and the course of the search."""

from collections.abc import Callable
from dataclasses import dataclass

from gensynth.evaluation.confidence import wilson_interval
from gensynth.evaluation.latency import MILLISECONDS, Latency
from gensynth.evaluation.outcome import Outcome
from gensynth.evaluation.score import unit_of, with_unit
from gensynth.exports.card_words import percent
from gensynth.report.chart import Axis, Line, Point, figure, scatter, steps
from gensynth.report.contents import Contents

FEWEST_EPOCHS = 3
"""With fewer, a training has no curve to look at."""


@dataclass(frozen=True)
class _Cost:
    words: str
    of: Callable[[Outcome], float | None]


def _latency(outcome: Outcome) -> Latency | None:
    return next(iter(outcome.latencies.values()), None)


def _median(outcome: Outcome) -> float | None:
    latency = _latency(outcome)
    return None if latency is None else latency.median


def _unit(page: Contents) -> str:
    """Return the unit of the latencies."""
    found = filter(None, map(_latency, page.trained))
    return next((latency.unit for latency in found), MILLISECONDS)


def charts(page: Contents) -> list[dict[str, str]]:
    """Draw top-1 against each known cost; return pictures with their captions."""
    costs = [
        _Cost("parameters", lambda o: o.profile.params if o.profile else None),
        _Cost("multiply-accumulates", lambda o: o.profile.macs if o.profile else None),
        _Cost(f"latency in {_unit(page)}", _median),
    ]
    made = []
    for cost in costs:
        known = [o for o in page.trained if cost.of(o)]
        if not known:
            continue
        words = f"Top-1 of each trained network on the validation split against its {cost.words}"
        points = [_point(page, o, cost.of(o) or 0.0) for o in known]
        axes = Axis(cost.words, logarithmic=True), Axis("validation top-1 in %")
        made.append({"svg": scatter(points, *axes, words), "caption": words + "."})
    return made


def _point(page: Contents, outcome: Outcome, cost: float) -> Point:
    finals = {f.outcome.number for f in page.finalists}
    kind = "feasible" if outcome.value is not None else "broken"
    kind = "front" if outcome.number in page.front else kind
    kind = "final" if outcome.number in finals else kind
    if page.best is not None and outcome.genome_id == page.best.genome_id:
        kind = "best"
    profile = outcome.profile
    size = f"{figure(profile.params)} parameters, {figure(profile.macs)} MACs" if profile else ""
    words = f"{outcome.genome_id}: number {outcome.number}, {percent(outcome.top1)}, {size}"
    unit = unit_of(page.campaign.context.score)
    words += (
        f", value {with_unit(outcome.value, unit)}"
        if outcome.value is not None
        else ", breaks a rule"
    )
    interval = wilson_interval(outcome.top1 or 0.0, page.campaign.context.validation_images)
    words += f"; 95 % interval {interval[0]:.1f} to {interval[1]:.1f} %"
    return Point(cost, outcome.top1 or 0.0, kind, words, str(outcome.number), interval)


def curves(page: Contents) -> str:
    """Draw the validation top-1 of each training of the search, epoch by epoch."""
    if page.best is None:
        return ""
    lines = []
    for outcome in page.trained:
        best = outcome.genome_id == page.best.genome_id
        name = f"number {outcome.number}" if best else ""
        epochs = tuple(m.epoch for m in outcome.curve)
        tops = tuple(m.top1 for m in outcome.curve)
        lines.append(Line(name, epochs, tops, "ours" if best else "faint"))
    if max((len(line.xs) for line in lines), default=0) < FEWEST_EPOCHS:
        return ""
    words = "Validation top-1 of each training of the search after each epoch"
    return steps(lines, Axis("epoch"), Axis("validation top-1 in %"), words, straight=True)


def course(page: Contents) -> str:
    """Draw the best value after each training, of this campaign and of the others."""
    if not page.courses:
        return ""
    lines = [
        Line(c.name, c.trainings, c.best, "other" if index else "ours")
        for index, c in enumerate(page.courses)
    ]
    last = max(max(c.trainings) for c in page.courses)
    lines = [Line(x.name, (*x.xs, last), (*x.ys, x.ys[-1]), x.kind) for x in lines]
    unit = unit_of(page.campaign.context.score)
    words = "The best feasible pursued value after each training"
    return steps(
        lines, Axis("trainings"), Axis(f"best value in {unit}" if unit else "best value"), words
    )
