"""How a campaign ended or stands: the best candidates, the counts, the exported network."""

from collections import Counter
from typing import Any

from rich.console import Console

from gensynth.campaign import Campaign
from gensynth.cli.rows import Row, print_json, show_rows
from gensynth.export.publish import Published
from gensynth.finals import Finalist, ranking
from gensynth.outcome import Outcome
from gensynth.plain import to_plain

SHOWN = 10
"""Candidates in the table."""


def show_campaign(campaign: Campaign, as_json: bool, published: Published | None = None) -> None:
    """Print the best candidates, how all ended, and the finals."""
    best = ranking(campaign.outcomes)
    if as_json:
        print_json([_plain(outcome, published) for outcome in best])
        return
    console = Console()
    show_rows([row_of(outcome) for outcome in best[:SHOWN]], False, "best candidates")
    endings = Counter(o.ending for o in campaign.outcomes if o.purpose == "search")
    console.print("ended: " + ", ".join(f"{n} {name}" for name, n in endings.most_common()))
    for finalist in campaign.finalists():
        console.print(_final_line(finalist), highlight=False)
    for warning in campaign.warnings:
        console.print(f"[yellow]{warning}[/]")


def show_end(reason: str, published: Published | None) -> None:
    """Print where the exported network lies, or why there is none."""
    line = f"[bold red]nothing exported[/]: {reason}"
    if published is not None:
        test = published.outcome.curve[-1].test_top1
        line = f"[bold green]exported[/] to {published.folder} (test top-1 {test:.2f} %)"
    Console().print(line, highlight=False, soft_wrap=True)


def row_of(outcome: Outcome) -> Row:
    """Show a recorded outcome as a row."""
    name = f"{outcome.number} ({outcome.genome_id})"
    return Row(name, outcome.profile, outcome.top1, outcome.score, outcome.judgements)


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
    holds = f"value {finalist.value:.2f} dB" if finalist.value is not None else "rules not kept"
    return (
        f"final {outcome.number}: top-1 {finalist.mean:.2f} % over {len(finalist.replicas)} seeds, "
        f"lower bound {finalist.bound:.2f} %, {holds}"
    )
