"""The state of a campaign: the best candidates, the counts, the exported network."""

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.markup import escape

from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.finals import Finalist, ranking, winner
from gensynth.evaluation.constraint import Judgement, broken
from gensynth.evaluation.outcome import Outcome
from gensynth.evaluation.score import unit_of, with_unit
from gensynth.exports.card_words import percent
from gensynth.exports.cards import missed_on_test
from gensynth.exports.publish import Published
from gensynth.genome import GENOME, to_json
from gensynth.graph.profile import Profile
from gensynth.report.columns import Columns
from gensynth.report.network_assessment import Assessment
from gensynth.report.tables import show
from gensynth.report.terminal import console
from gensynth.report.words import count
from gensynth.serialization import to_plain

SHOWN = 10
"""Candidates in the table."""
CRASHES = 3
"""Reasons of crashes that are listed."""


def show_campaign(campaign: CampaignDriver, published: Published | None = None) -> None:
    """Print the best candidates, how all candidates ended, and the finals."""
    best, finalists = ranking(campaign.outcomes), campaign.finalists()
    marks = marks_of(finalists, published)
    printer, unit = console(), unit_of(campaign.context.score)
    if best:
        # Eighty columns hold the number, by which `export DIR:NUMBER` finds it, but no genome.
        rows = [
            replace(assessed(o, str(o.number), unit), finals=marks.get(o.number, ""))
            for o in best[:SHOWN]
        ]
        show(rows, "best candidates, by number", explain=len(rows) == 1)
    endings = Counter(o.ending for o in campaign.outcomes if o.purpose == "search")
    counts = ", ".join(f"{n} {name}" for name, n in endings.most_common())
    printer.print(f"ended: {counts or 'none yet'}")
    for line in hindrances(campaign.outcomes):
        printer.print(escape(line), highlight=False)
    if finalists:
        printer.print(finals_table(finalists, unit))
    for warning in campaign.warnings:
        printer.print(f"[yellow]{escape(warning)}[/]", highlight=False)


def plain_campaign(
    campaign: CampaignDriver, published: Published | None = None
) -> list[dict[str, Any]]:
    """Return the feasible candidates, best first, then the untrained ones, as plain data."""
    marks = marks_of(campaign.finalists(), published)
    rows = [(o, False) for o in ranking(campaign.outcomes)]
    rows += [(o, True) for o in campaign.untrained()]
    return [_plain(o, published, marks) | {"untrained": untrained} for o, untrained in rows]


def show_end(
    reason: str,
    published: Published | None,
    report: Path | None = None,
    doubt: str = "",
) -> None:
    """Print the answer, alone at the end: what was exported, how good it is, how to use it."""
    printer = console()
    printer.print()
    if published is None:
        printer.print(f"[bold red]nothing exported[/]: {escape(reason)}", highlight=False)
        if report is not None:
            printer.print(_ways_on(), highlight=False)
    else:
        for line in answer(published):
            printer.print(line, highlight=False)
        if doubt:
            printer.print(f"  [yellow]{escape(doubt)}[/]", highlight=False)
        if reason not in ("", "finished"):
            printer.print(f"  the search ended early: {escape(reason)}", highlight=False)
    # Names of files and commands are copied, so a line of them is never broken.
    for what, words in _uses(published, report):
        _print(f"  {what:<10} {escape(words)}")


def answer(published: Published) -> list[str]:
    """Return what was exported and its figures, as rich markup."""
    outcome, finalist = published.outcome, published.finalist
    lines = [f"[bold green]exported[/] {outcome.genome_id}"]
    test, mean = outcome.curve[-1].test_top1, finalist.mean
    seeds = f"mean of {len(finalist.replicas)} trainings"
    validation = "" if mean is None else f"; validation {percent(mean)} ({seeds})"
    lines.append(f"  test top-1 [bold]{percent(test)}[/]{validation}")
    if outcome.profile is not None:
        lines.append("  " + ", ".join(costs(outcome.profile)))
    return lines


def costs(profile: Profile) -> list[str]:
    """Return the costs of a network in words."""
    return [
        f"{count(profile.params)}parameters".replace("  ", " "),
        f"{count(profile.macs)}MACs",
        f"{count(profile.weight_bytes)}B of weights",
        f"{count(profile.peak_activation_bytes)}B peak activations",
    ]


def _uses(published: Published | None, report: Path | None) -> Iterator[tuple[str, str]]:
    if published is not None:
        folder = shlex.quote(str(published.folder))
        yield "folder", str(published.folder)
        yield "use", f"gensynth predict {folder} PICTURE"
        yield "formats", f"gensynth export {folder} --to FOLDER --format onnx,int8"
    elif report is not None:
        folder = shlex.quote(str(report.parent))
        yield "export", f"gensynth export {folder}:NUMBER --to FOLDER"
    if report is not None:
        yield "report", str(report)


def doubt(campaign: CampaignDriver, published: Published) -> str:
    """Return which enforced constraints the exported network breaks on the test split."""
    missed = missed_on_test(campaign, published.finalist, published.outcome)
    return f"the test split {missed}" if missed else ""


def show_untrained(campaign: CampaignDriver) -> None:
    """Print the candidates that were rejected once and that the present constraints allow."""
    for outcome in campaign.untrained():
        _print(f"feasible, untrained: {outcome.number} ({outcome.genome_id})")


def _print(line: str) -> None:
    console().print(line, highlight=False, soft_wrap=True)


def _ways_on() -> str:
    return (
        "  To go on: the same command with more --trials or other limits; or export any candidate."
    )


def exported_before(campaign: CampaignDriver) -> Published | None:
    """Return the winner as an earlier run exported it; None if `best` holds another network."""
    best = campaign.folder / "best"
    finalist, outcome = winner(campaign.finalists()), campaign.exported()
    if finalist is None or outcome is None:
        return None
    space, genome = campaign.context.space, campaign.evaluator.described(outcome.decisions).genome
    expected = to_json(genome, campaign.context.experiment.space.use, space.version)
    try:
        found = (best / GENOME).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return Published(best, finalist, outcome) if found.strip() == expected.strip() else None


def marks_of(finalists: Iterable[Finalist], published: Published | None) -> dict[int, str]:
    """Return, by candidate number, how it fared in the finals, in a word."""
    marks = {f.outcome.number: _mark(f) for f in finalists}
    if published is not None:
        marks[published.finalist.outcome.number] = "exported"
    return marks


def _mark(finalist: Finalist) -> str:
    if finalist.missing:
        return "undecided"
    if finalist.passed:
        return "passed over"
    return "refuted" if finalist.refused else "holds"


def hindrances(outcomes: Iterable[Outcome]) -> list[str]:
    """List the constraints that trained candidates broke, the nearest miss, and the crashes."""
    search = [o for o in outcomes if o.purpose == "search"]
    trained = [o for o in search if o.ending == "completed"]
    judged: dict[str, list[Judgement]] = {}
    for judgement in (j for o in trained for j in broken(o.judgements)):
        judged.setdefault(judgement.constraint, []).append(judgement)
    lines = []
    for name, found in judged.items():
        nearest = min(found, key=lambda j: j.violation or 0.0)
        missed = f"missed by {len(found)} of {len(trained)}"
        lines.append(f"{name}: {missed}; nearest: {nearest.reason}")
    crashes = Counter(o.detail for o in search if o.ending == "crashed")
    return lines + [f"crashed ({n}): {why}" for why, n in crashes.most_common(CRASHES)]


def assessed(outcome: Outcome, name: str = "", unit: str = "dB") -> Assessment:
    """Return what the record knows of a candidate, named by its number and genome by default."""
    return Assessment(
        name or f"{outcome.number} ({outcome.genome_id})",
        outcome.profile,
        outcome.top1,
        outcome.score,
        outcome.judgements,
        value=outcome.value,
        unit=unit,
    )


def _plain(
    outcome: Outcome, published: Published | None, marks: Mapping[int, str]
) -> dict[str, Any]:
    row = assessed(outcome, outcome.genome_id).plain() | {"number": outcome.number}
    row |= {"value": outcome.value, "ending": outcome.ending}
    row |= {"finals": marks.get(outcome.number)}
    row |= {"decisions": to_plain(outcome.decisions), "exported": None}
    if published is not None and published.outcome.genome_id == outcome.genome_id:
        row["exported"] = str(published.folder)
        row["test_top1"] = published.outcome.curve[-1].test_top1
    return row


def finals_table(finalists: Sequence[Finalist], unit: str = "dB") -> Columns:
    """Lay out the finals: what each finalist reached, and what was made of it."""
    rows = [(str(f.outcome.number), *_final_cells(f, unit)) for f in finalists]
    heads = ("final", "top-1 %", "lower bound %", "trainings", "result")
    return Columns(heads, rows, words=(0, 4), title="finals")


def _final_cells(finalist: Finalist, unit: str) -> tuple[str, str, str, str]:
    mean = "" if finalist.mean is None else f"{finalist.mean:.2f}"
    bound = "" if finalist.bound is None else f"{finalist.bound:.2f}"
    if finalist.missing:
        result = f"{finalist.missing} to be done"
    elif finalist.passed:
        result = "passed over, unlikely to beat the one that holds"
    elif finalist.bound is None:
        result = "a training did not complete"
    elif finalist.value is None:
        result = "constraints not kept at the lower bound"
    else:
        result = f"value {with_unit(finalist.value, unit)}"
    return mean, bound, str(len(finalist.replicas)), result
