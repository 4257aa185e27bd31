"""How a campaign ended or stands: the best candidates, the counts, the exported network."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from gensynth.campaign import Campaign
from gensynth.cli.rows import Row, print_json, show_rows
from gensynth.constraint import Judgement, broken
from gensynth.export.publish import Published
from gensynth.finals import Finalist, ranking
from gensynth.outcome import Outcome
from gensynth.plain import to_plain

SHOWN = 10
"""Candidates in the table."""
CRASHES = 3
"""Different reasons of crashes that are told."""


def show_campaign(campaign: Campaign, as_json: bool, published: Published | None = None) -> None:
    """Print the best candidates, how all ended, and the finals."""
    best = ranking(campaign.outcomes)
    if as_json:
        untrained = [_plain(o, published) | {"untrained": True} for o in campaign.untrained()]
        print_json([*(_plain(o, published) | {"untrained": False} for o in best), *untrained])
        return
    console = Console()
    if best:
        show_rows([row_of(outcome) for outcome in best[:SHOWN]], False, "best candidates")
    endings = Counter(o.ending for o in campaign.outcomes if o.purpose == "search")
    counts = ", ".join(f"{n} {name}" for name, n in endings.most_common())
    console.print(f"ended: {counts or 'none yet'}")
    for line in hindrances(campaign.outcomes):
        console.print(escape(line), highlight=False)
    for finalist in campaign.finalists():
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
        lines.append(f"{name}: broken by {len(found)} of {len(trained)}, least by {nearest.reason}")
    crashes = Counter(o.detail for o in search if o.ending == "crashed")
    return lines + [f"crashed ({n}): {why}" for why, n in crashes.most_common(CRASHES)]


def row_of(outcome: Outcome) -> Row:
    """Show a recorded outcome as a row."""
    name = f"{outcome.number} ({outcome.genome_id})"
    verdicts = outcome.judgements
    return Row(name, outcome.profile, outcome.top1, outcome.score, verdicts, value=outcome.value)


def _plain(outcome: Outcome, published: Published | None) -> dict[str, Any]:
    row = row_of(outcome).plain() | {"model": outcome.genome_id, "number": outcome.number}
    row |= {"value": outcome.value, "ending": outcome.ending}
    row |= {"decisions": to_plain(outcome.decisions), "exported": None}
    if published is not None and published.outcome.genome_id == outcome.genome_id:
        row["exported"] = str(published.folder)
        row["test_top1"] = published.outcome.curve[-1].test_top1
    return row


def _final_line(finalist: Finalist) -> str:
    outcome = finalist.outcome
    if finalist.bound is None:
        return f"final {outcome.number}: {finalist.missing} trainings to be done"
    holds = "rules not kept" if finalist.value is None else f"value {finalist.value:.2f} dB"
    return (
        f"final {outcome.number}: top-1 {finalist.mean:.2f} % over {len(finalist.replicas)} seeds, "
        f"lower bound {finalist.bound:.2f} %, {holds}"
    )
