"""`gensynth generate`: draw networks from a campaign's learned generator G(s)."""

from typing import TYPE_CHECKING, Annotated

import typer

import gensynth
from gensynth.cli.options import AsJson, CampaignFolder, print_json
from gensynth.report.terminal import console

if TYPE_CHECKING:
    from gensynth.generators.synthesis.population import Population


def generate(
    folder: CampaignFolder,
    seeds: Annotated[int, typer.Option(help="Number of fresh seeds s.", min=1)] = 16,
    first: Annotated[int, typer.Option(help="First seed.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Draw networks G(s) for fresh seeds s from the learned generator.

    Reports the share that keeps the constraints, the predicted and the known U,
    and how diverse the networks are.
    """
    from gensynth.report.tables import show

    drawn = gensynth.load(folder).generate(seeds, first)
    if as_json:
        print_json(drawn.plain())
        return
    show(drawn.networks, f"G(s) for {seeds} seeds")
    for when, population in (("start", drawn.before), ("end", drawn.after)):
        console().print(f"{when}: {summary(population)}", highlight=False)


def summary(drawn: "Population") -> str:
    """State the feasible share (as far as known before training), the prediction, the diversity."""
    return (
        f"{drawn.feasible:.0%} keep the constraints known before training; predicted: mean chance "
        f"of {drawn.chance:.0%} that all hold, mean value {drawn.value:.1f} dB; {drawn.different} "
        f"of {drawn.seeds} are different functions and differ in {drawn.distance:.0%} of their "
        "decisions"
    )
