"""How a campaign ended or stands: the best candidates, the counts, the exported network."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from gensynth.campaign.campaign import Campaign
from gensynth.campaign.finals import Finalist, ranking, winner
from gensynth.cli.rows import Row, print_json, show_rows
from gensynth.evaluation.constraint import Judgement, broken
from gensynth.evaluation.outcome import Outcome
from gensynth.exports.publish import Published
from gensynth.genome import GENOME, to_json
from gensynth.serialization import to_plain

SHOWN = 10
"""Candidates in the table."""
CRASHES = 3
"""Different reasons of crashes that are told."""


def show_campaign(campaign: Campaign, as_json: bool, published: Published | None = None) -> None:
    """Print the best candidates, how all ended, and the finals."""
    best, finalists = ranking(campaign.outcomes), campaign.finalists()
    marks = marks_of(finalists, published)
    if as_json:
        rows = [(o, False) for o in best] + [(o, True) for o in campaign.untrained()]
        print_json([_plain(o, published, marks) | {"untrained": open_} for o, open_ in rows])
        return
    console = Console()
    if best:
        rows_shown = [replace(row_of(o), finals=marks.get(o.number, "")) for o in best[:SHOWN]]
        show_rows(rows_shown, False, "best candidates")
    endings = Counter(o.ending for o in campaign.outcomes if o.purpose == "search")
    counts = ", ".join(f"{n} {name}" for name, n in endings.most_common())
    console.print(f"ended: {counts or 'none yet'}")
    for line in hindrances(campaign.outcomes):
        console.print(escape(line), highlight=False)
    for finalist in finalists:
        console.print(_final_line(finalist), highlight=False)
    for warning in campaign.warnings:
        console.print(f"[yellow]{warning}[/]")


def show_end(reason: str, published: Published | None, report: Path | None = None) -> None:
    """Print where the exported network lies, or why there is none, and where to read on."""
    line = f"[bold red]nothing exported[/]: {reason}"
    if published is not None:
        test, name = published.outcome.curve[-1].test_top1, published.outcome.genome_id
        line = f"[bold green]exported[/] {name} to {published.folder} (test top-1 {test:.2f} %)"
    Console().print(line, highlight=False, soft_wrap=True)
    if report is not None:
        Console().print(f"report: {report}", highlight=False, soft_wrap=True)
    if published is None and report is not None:
        Console().print(_ways_on(report.parent), highlight=False, soft_wrap=True)


def _ways_on(folder: Path) -> str:
    """Say what can be done where nothing was exported."""
    return (
        "to go on: the same command with more --trials or other limits; any candidate leaves by "
        f"gensynth export {escape(str(folder))}:NUMBER --to FOLDER"
    )


def exported_before(campaign: Campaign) -> Published | None:
    """Find the winner where an earlier run exported it; None where another network lies there."""
    best = campaign.ledger.folder / "best"
    finalist, outcome = winner(campaign.finalists()), campaign.exported()
    if finalist is None or outcome is None:
        return None
    space, genome = campaign.context.space, campaign.evaluator.described(outcome.decisions).genome
    expected = to_json(genome, campaign.context.experiment.space.use, space.version)
    try:
        found = (best / GENOME).read_text(encoding="utf-8")
    except OSError:
        return None
    return Published(best, finalist, outcome) if found.strip() == expected.strip() else None


def marks_of(finalists: Iterable[Finalist], published: Published | None) -> dict[int, str]:
    """Say in a word, by the candidate's number, what the finals made of it."""
    marks = {f.outcome.number: _mark(f) for f in finalists}
    if published is not None:
        marks[published.finalist.outcome.number] = "exported"
    return marks


def _mark(finalist: Finalist) -> str:
    if finalist.missing:
        return "undecided"
    return "refuted" if finalist.refused else "holds"


def hindrances(outcomes: Iterable[Outcome]) -> list[str]:
    """Say which rules trained candidates broke, how nearly one held, and why others crashed."""
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


def row_of(outcome: Outcome) -> Row:
    """Show a recorded outcome as a row."""
    name = f"{outcome.number} ({outcome.genome_id})"
    verdicts = outcome.judgements
    return Row(name, outcome.profile, outcome.top1, outcome.score, verdicts, value=outcome.value)


def _plain(
    outcome: Outcome, published: Published | None, marks: Mapping[int, str]
) -> dict[str, Any]:
    row = row_of(outcome).plain() | {"model": outcome.genome_id, "number": outcome.number}
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
    if finalist.bound is None:
        return f"final {outcome.number}: a training did not complete"
    holds = "rules not kept" if finalist.value is None else f"value {finalist.value:.2f} dB"
    return (
        f"final {outcome.number}: top-1 {finalist.mean:.2f} % over {len(finalist.replicas)} seeds, "
        f"lower bound {finalist.bound:.2f} %, {holds}"
    )
