"""The state of a campaign: the best candidates, the counts, the exported network."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.markup import escape

from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.finals import Finalist, ranking, winner
from gensynth.evaluation.constraint import Judgement, broken
from gensynth.evaluation.outcome import Outcome
from gensynth.exports.cards import missed_on_test
from gensynth.exports.publish import Published
from gensynth.genome import GENOME, to_json
from gensynth.report.assessment import Assessment
from gensynth.report.tables import show
from gensynth.report.terminal import console
from gensynth.serialization import to_plain

SHOWN = 10
"""Candidates in the table."""
CRASHES = 3
"""Reasons of crashes that are listed."""


def show_campaign(campaign: CampaignDriver, published: Published | None = None) -> None:
    """Print the best candidates, how all candidates ended, and the finals."""
    best, finalists = ranking(campaign.outcomes), campaign.finalists()
    marks = marks_of(finalists, published)
    printer = console()
    if best:
        rows = [replace(assessed(o), finals=marks.get(o.number, "")) for o in best[:SHOWN]]
        show(rows, "best candidates")
    endings = Counter(o.ending for o in campaign.outcomes if o.purpose == "search")
    counts = ", ".join(f"{n} {name}" for name, n in endings.most_common())
    printer.print(f"ended: {counts or 'none yet'}")
    for line in hindrances(campaign.outcomes):
        printer.print(escape(line), highlight=False)
    for finalist in finalists:
        printer.print(_final_line(finalist), highlight=False)
    for warning in campaign.warnings:
        printer.print(f"[yellow]{warning}[/]")


def plain_campaign(
    campaign: CampaignDriver, published: Published | None = None
) -> list[dict[str, Any]]:
    """Return the feasible candidates, best first, then the untrained ones, as plain data."""
    marks = marks_of(campaign.finalists(), published)
    rows = [(o, False) for o in ranking(campaign.outcomes)]
    rows += [(o, True) for o in campaign.untrained()]
    return [_plain(o, published, marks) | {"untrained": untrained} for o, untrained in rows]


def show_end(reason: str, published: Published | None, report: Path | None = None) -> None:
    """Print where the exported network is, or why there is none, and where to read on."""
    line = f"[bold red]nothing exported[/]: {reason}"
    if published is not None:
        test, name = published.outcome.curve[-1].test_top1, published.outcome.genome_id
        line = f"[bold green]exported[/] {name} to {published.folder} (test top-1 {test:.2f} %)"
    _print(line)
    if published is not None and reason not in ("", "finished"):
        _print(escape(f"the search ended early: {reason}"))
    if report is not None:
        _print(f"report: {report}")
    if published is None and report is not None:
        _print(_ways_on(report.parent))


def show_doubt(campaign: CampaignDriver, published: Published) -> None:
    """Print which enforced constraints the exported network breaks on the test split."""
    if missed := missed_on_test(campaign, published.finalist, published.outcome):
        _print(f"[yellow]the test split {escape(missed)}[/]", highlight=True)


def show_untrained(campaign: CampaignDriver) -> None:
    """Print the candidates that were rejected once and that the present constraints allow."""
    for outcome in campaign.untrained():
        _print(f"feasible, untrained: {outcome.number} ({outcome.genome_id})")


def _print(line: str, highlight: bool = False) -> None:
    console().print(line, highlight=highlight, soft_wrap=True)


def _ways_on(folder: Path) -> str:
    """Print what to do if nothing was exported."""
    return (
        "to go on: the same command with more --trials or other limits; export any candidate with "
        f"gensynth export {escape(str(folder))}:NUMBER --to FOLDER"
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


def assessed(outcome: Outcome, name: str = "") -> Assessment:
    """Return what the record knows of a candidate, named by its number and genome by default."""
    return Assessment(
        name or f"{outcome.number} ({outcome.genome_id})",
        outcome.profile,
        outcome.top1,
        outcome.score,
        outcome.judgements,
        value=outcome.value,
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


def _final_line(finalist: Finalist) -> str:
    outcome = finalist.outcome
    if finalist.missing:
        trainings = "training" if finalist.missing == 1 else "trainings"
        return f"final {outcome.number}: {finalist.missing} {trainings} to be done"
    if finalist.passed:
        return f"final {outcome.number}: passed over, unlikely to beat the one that holds"
    if finalist.bound is None:
        return f"final {outcome.number}: a training did not complete"
    holds = "rules not kept" if finalist.value is None else f"value {finalist.value:.2f} dB"
    return (
        f"final {outcome.number}: top-1 {finalist.mean:.2f} % over {len(finalist.replicas)} seeds, "
        f"lower bound {finalist.bound:.2f} %, {holds}"
    )
