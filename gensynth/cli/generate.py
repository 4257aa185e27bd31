"""`gensynth generate`: draw networks from a campaign's learned generator G(s)."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from gensynth.cli.options import AsJson
from gensynth.cli.rows import Row, print_json, show_rows
from gensynth.errors import InputError
from gensynth.genome import Decisions

if TYPE_CHECKING:
    from gensynth.campaign import Campaign


def generate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The campaign's folder.")],
    seeds: Annotated[int, typer.Option(help="How many fresh seeds s.", min=1)] = 16,
    first: Annotated[int, typer.Option(help="The first of them.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Draw G(s) for fresh seeds: feasible share, predicted and known U, diversity."""
    from gensynth.campaign_folder import viewing

    campaign = viewing(folder)
    generator = campaign.generator
    if not hasattr(generator, "generate"):
        use = campaign.setting.experiment.generator.use
        raise InputError(str(folder), f"its generator {use!r} learns no G(s) to draw from")
    drawn: list[Decisions] = [p.decisions for p in generator.generate(seeds, first)]
    rows = [_row(campaign, s, decisions) for s, decisions in enumerate(drawn, first)]
    if as_json:
        print_json([row.plain() for row in rows])
        return
    show_rows(rows, False, f"G(s) for {seeds} seeds")
    Console().print("...")


def _row(campaign: "Campaign", seed: int, decisions: Decisions) -> Row:
    described = campaign.judge.describe(decisions)
    judgements = campaign.judge.before_training(described.candidate)
    known = next((o for o in campaign.outcomes if o.fingerprint == described.fingerprint), None)
    return Row(
        f"G({seed}) {described.genome_id}",
        described.candidate.profile,
        known.top1 if known else None,
        known.score if known else None,
        known.judgements if known else judgements,
    )
