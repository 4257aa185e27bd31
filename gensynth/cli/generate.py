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
    from gensynth.campaign.campaign import Campaign
    from gensynth.generators.synthesis.population import Population


def generate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The campaign's folder.")],
    seeds: Annotated[int, typer.Option(help="How many fresh seeds s.", min=1)] = 16,
    first: Annotated[int, typer.Option(help="The first of them.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Draw G(s) for fresh seeds: feasible share, predicted and known U, diversity."""
    from gensynth.campaign.folder import viewing
    from gensynth.generators.synthesis.generator import Synthesis
    from gensynth.generators.synthesis.population import population

    campaign = viewing(folder)
    generator = campaign.generator
    if not isinstance(generator, Synthesis):
        use = campaign.context.experiment.generator.use
        raise InputError(str(folder), f"its generator {use!r} learns no G(s) to draw from")
    learned = [p.decisions for p in generator.generate(seeds, first)]
    rows = [row_of(campaign, f"G({s})", d) for s, d in enumerate(learned, first)]
    if as_json:
        expected = generator.expect(learned)
        opinions = zip(rows, expected.value, expected.chance, strict=True)
        print_json(
            [
                row.plain() | {"predicted_value": float(value), "predicted_feasible": float(chance)}
                for row, value, chance in opinions
            ]
        )
        return
    show_rows(rows, False, f"G(s) for {seeds} seeds")
    for when, is_learned in (("start", False), ("end", True)):
        drawn = population(generator, seeds, is_learned, first)
        Console().print(f"{when}: {summary(drawn)}", highlight=False)


def row_of(campaign: "Campaign", name: str, decisions: Decisions) -> Row:
    """Show a drawn network: its costs, and what is known or predicted of it."""
    described = campaign.evaluator.described(decisions)
    known = next((o for o in campaign.outcomes if o.fingerprint == described.fingerprint), None)
    known = known if known is not None and known.ending == "completed" else None
    judgements = campaign.evaluator.judge_untrained(described.candidate)
    return Row(
        f"{name} {described.genome_id}",
        described.candidate.profile,
        known.top1 if known else None,
        known.score if known else None,
        known.judgements if known else judgements,
        note="trained" if known else "",
    )


def summary(drawn: "Population") -> str:
    """State feasible share (as far as it is known before training), promise, and diversity."""
    return (
        f"{drawn.feasible:.0%} keep the rules known before training; predicted: all rules hold "
        f"with {drawn.chance:.0%} chance, value {drawn.value:.1f} dB in the mean; "
        f"{drawn.different} of {drawn.seeds} different, they differ in {drawn.distance:.0%} of "
        "their decisions"
    )
