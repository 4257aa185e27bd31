"""The findings of a preflight on a terminal."""

from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.markup import escape

from gensynth.evaluation.constraint import Judgement, broken
from gensynth.feasibility.findings import Findings
from gensynth.feasibility.latency import Predicted
from gensynth.feasibility.plan import Plan
from gensynth.feasibility.rates import Range, Rate, share_interval
from gensynth.feasibility.sample import Sampled
from gensynth.report.columns import Columns
from gensynth.report.terminal import console
from gensynth.report.words import count, duration, two_digits

_COSTS = {
    "params": ("parameters", ""),
    "macs": ("MACs", ""),
    "weight_bytes": ("weights", "B"),
    "peak_activation_bytes": ("activations", "B"),
}


def print_findings(found: Findings, printer: Console | None = None) -> None:
    """Print the answer first, then constraints, costs and time."""
    say = (printer or console()).print
    say(_answer(found), highlight=False)
    for line in _nearest(found.nearest):
        say(line, highlight=False)
    say(f"The space: {found.sample.size}.", highlight=False)
    if found.rates:
        say(_rules(found))
    for line in hints(found):
        say(line, highlight=False)
    say(_costs(found))
    if found.latency:
        say(_latency(found.latency), highlight=False)
    if found.plan:
        say(_plan(found.plan), highlight=False)


def _answer(found: Findings) -> str:
    drawn = len(found.sample.candidates)
    whole = found.sample.whole
    of = f"of all {drawn:,} candidates" if whole else f"of the {drawn:,} candidates drawn"
    name = escape(found.name)
    if found.open:
        low, high = share_interval(found.open, drawn)
        interval = "" if whole else f" (95 % interval {low:.1%} to {high:.1%})"
        return (
            f"[bold green]possible[/]: {name}: {found.open / drawn:.1%} {of} break no enforced "
            f"constraint before training{interval}"
        )
    if found.impossible:
        near = "" if whole else ", or of those near them,"
        words = f"{name}: none {of}{near} keeps every enforced constraint"
        return f"[bold red]impossible as it stands[/]: {words}"
    return (
        f"[bold yellow]rare[/]: {name}: none {of} keeps every enforced constraint, but a walk from "
        "the nearest of them found one"
    )


def _nearest(nearest: Sampled | None) -> list[str]:
    if nearest is None:
        return []
    profile = nearest.profile
    costs = f"{count(profile.params)}params, {count(profile.macs)}MACs"
    lines = [f"  the nearest candidate, {nearest.genome_id} ({costs})"]
    if nearest.open:
        return [f"{lines[0]}, keeps them"]
    found = broken(nearest.judgements)
    return [f"{lines[0]}, has", *(f"    {escape(_reason(j))}" for j in found)]


def _reason(judgement: Judgement) -> str:
    return f"{judgement.constraint}: {judgement.reason}"


def _rules(found: Findings) -> Columns:
    rows = [(escape(rate.rule), rate.mode, *_shares(rate)) for rate in found.rates]
    return Columns(("constraint", "mode", "keep it", "break only it"), rows, words=(0, 1))


def _shares(rate: Rate) -> tuple[str, str]:
    if rate.share is None:
        measured = rate.needs == "latency"
        return "measured before training" if measured else "known after training", ""
    alone = f"{rate.alone / rate.judged:.1%}" if rate.mode == "enforce" else ""
    return f"{rate.share:.1%}", alone


def hints(found: Findings) -> list[str]:
    """Return lines about the binding constraint and about candidates that failed."""
    lines = []
    if found.binding is not None and found.binding.alone:
        gain = (found.open + found.binding.alone) / len(found.sample.candidates)
        lines.append(
            f"Binding constraint: {found.binding.rule}; without it {gain:.1%} are possible."
        )
    elif found.binding is not None:
        lines.append(f"Binding constraint: {found.binding.rule}, which the fewest keep.")
    for rate in found.rates:
        if rate.mode == "enforce" and rate.closest is not None:
            lines.append(
                f"No drawn candidate keeps {rate.rule}; the closest: {rate.closest.reason}."
            )
    if found.sample.failures:
        failed = len(found.sample.failures)
        lines.append(f"{failed:,} of {found.sample.drawn:,} failed: {found.sample.failures[0]}")
    return [escape(line) for line in lines]


def _costs(found: Findings) -> Columns:
    rows = [*_spreads("", found.ranges), *_spreads(", possible ones", found.open_ranges)]
    return Columns(("cost of the candidates", "min", "median", "max"), rows)


def _spreads(title: str, ranges: Mapping[str, Range]) -> Iterator[tuple[str, ...]]:
    for name, spread in ranges.items():
        words, unit = _COSTS[name]
        figures = (spread.least, spread.median, spread.most)
        yield words + title, *(count(figure) + unit for figure in figures)


def _latency(found: Predicted) -> str:
    spread = found.range_ms
    return (
        f"Latency: {two_digits(spread.least)} to {two_digits(spread.most)} ms, median "
        f"{two_digits(spread.median)}: "
        f"predicted from {found.timed} that were timed ({found.question}), median error "
        f"{found.error:.0%}."
    )


def _plan(plan: Plan) -> str:
    low, high = min(plan.proxy_s), max(plan.proxy_s)
    each = duration(low) if low == high else f"{duration(low)} to {duration(high)}"
    return f"Time: a training takes {each} here; {effort_words(plan)}"


def effort_words(plan: Plan) -> str:
    """Say how long a campaign takes, and what takes it."""
    mean = plan.training_s
    search = mean * plan.trainings / plan.workers
    finals = mean * plan.finals * plan.final_factor / plan.workers
    at_once = f", {plan.workers} at a time" if plan.workers > 1 else ""
    return (
        f"about {duration(3600 * plan.hours)} in all: search {duration(search)} ({plan.trainings} "
        f"trainings{at_once}), finals {duration(finals)} ({plan.finals} trainings, "
        f"{plan.final_factor:g} times as long), last training {duration(mean * plan.last_factor)} "
        f"({plan.last_factor:g} times as long). Early stopping saves some of it."
    )
