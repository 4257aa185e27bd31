"""`gensynth generate`: draw networks from a campaign's learned generator, also within limits."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer
from rich.markup import escape

import gensynth
from gensynth.cli.options import AsJson, CampaignFolder, Short, print_json
from gensynth.report.terminal import console
from gensynth.report.words import with_unit

if TYPE_CHECKING:
    from gensynth.api.drawn_networks import Drawn, TrainedDraw
    from gensynth.generators.synthesis.population import Population


def generate(
    folder: CampaignFolder,
    seeds: Annotated[int, typer.Option(help="Number of fresh seeds s, or of answers.", min=1)] = 16,
    first: Annotated[int, typer.Option(help="First seed.", min=0)] = 0,
    train: Annotated[
        int, typer.Option(help="Train this many networks, of the start as of the end.", min=0)
    ] = 0,
    device: Annotated[str, typer.Option(help="Device of the latency.")] = "",
    to: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Write the genome files there, for `export` and `train`."),
    ] = None,
    as_json: AsJson = False,
    short: Short = {},  # noqa: B006 - never changed
) -> None:
    """Draw networks for fresh seeds s from the learned generator G*(s).

    With limits, the answers are the most accurate networks within them, G(s | r).
    The limits on costs are kept exactly; the top-1 is predicted, with its 90 % interval.
    """
    drawn = gensynth.load(folder).generate(
        seeds,
        first,
        train,
        device=device,
        **short,
    )
    if to is not None:
        drawn.save(to)
    if as_json:
        print_json(drawn.plain())
    else:
        _show(drawn)


def _show(drawn: "Drawn") -> None:
    printer = console()
    for line in _lines(drawn):
        printer.print(line, highlight=False, soft_wrap=not printer.is_terminal)


def summary(drawn: "Population", unit: str = "dB") -> str:
    """State the feasible share (as far as known before training), the prediction, the diversity."""
    return (
        f"{drawn.feasible:.0%} keep the constraints known before training; predicted: mean chance "
        f"of {drawn.chance:.0%} that all hold, mean value {with_unit(drawn.value, unit, 1)}; "
        f"{drawn.different} of {drawn.seeds} are different functions and differ in "
        f"{drawn.distance:.0%} of their decisions"
    )


def trained(networks: "Sequence[TrainedDraw]", unit: str = "dB") -> str:
    """State how many trained networks keep every constraint, and their mean value."""
    values = [network.value for network in networks if network.value is not None]
    mean = f", mean value {with_unit(sum(values) / len(values), unit, 1)}" if values else ""
    return f"{len(values)} of {len(networks)} networks keep every constraint when trained{mean}"


def _lines(drawn: "Drawn") -> "Sequence[str]":
    from gensynth.report.tables import show

    if drawn.before is None or drawn.after is None:
        show(drawn.networks, "G(s | r): the most accurate first")
        predicted = zip(drawn.networks, drawn.predictions, strict=True)
        lines = [
            f"{escape(network.model)}: predicted top-1 {p.top1:.2f} % ({p.low:.2f} to {p.high:.2f})"
            for network, p in predicted
        ]
        return [*lines, *(f"[yellow]{escape(warning)}[/]" for warning in drawn.warnings)]
    show(drawn.networks, f"G(s) for {drawn.after.seeds} seeds")
    lines = [
        f"start: {summary(drawn.before, drawn.unit)}",
        f"end: {summary(drawn.after, drawn.unit)}",
    ]
    if drawn.trained:
        lines += [
            f"start: {trained(drawn.trained_before, drawn.unit)}",
            f"end: {trained(drawn.trained, drawn.unit)}",
        ]
    return lines
