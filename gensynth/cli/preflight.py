"""`gensynth preflight`: what is known about an experiment before anything is trained."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

import gensynth
from gensynth.cli.options import (
    AsJson,
    ClassLevel,
    ExperimentOrSuited,
    Images,
    ResizedTo,
    Short,
    as_typed,
    print_json,
    search_command,
)
from gensynth.report.terminal import console

if TYPE_CHECKING:
    from gensynth.feasibility.findings import Findings


def preflight(
    experiment: ExperimentOrSuited = None,
    data: Images = None,
    image_size: ResizedTo = None,
    class_level: ClassLevel = None,
    samples: Annotated[int, typer.Option(help="Number of candidates to draw.", min=20)] = 2000,
    as_json: AsJson = False,
    short: Short = {},  # noqa: B006 - never changed
) -> None:
    """Report whether a search can succeed, what hinders it, and how long it takes.

    Draws candidates of the search space, judges them by all constraints that
    need no training (as if training reached 100 %), and times the training of
    three and the latency of six. Nothing is kept.

    Exits with 0 if a candidate keeps the enforced constraints as far as they
    can be judged now, with 1 if none was found.
    """
    from gensynth.report.feasibility_text import print_findings

    found = gensynth.preflight(
        experiment,
        data=data,
        image_size=image_size,
        class_level=class_level,
        samples=samples,
        **short,
    )
    if as_json:
        print_json(plain(found))
    else:
        print_findings(found)
        if not found.impossible:
            images = {"data": data, "image_size": image_size, "class_level": class_level}
            command = search_command({"": experiment, **images, **as_typed(short)})
            console().print(f"search: {escape(command)}", soft_wrap=True, highlight=False)
    raise typer.Exit(int(found.impossible))


def plain(found: "Findings") -> dict[str, object]:
    """Return the findings as `--json` prints them."""
    from gensynth.serialization import to_plain

    nearest = found.nearest
    return {
        "size": to_plain(found.sample.size),
        "drawn": found.sample.drawn,
        "failed": len(found.sample.failures),
        "open": found.open,
        "impossible": found.impossible,
        "rules": [asdict(rate) | {"share": rate.share} for rate in found.rates],
        "binding": found.binding.rule if found.binding else None,
        "nearest": None
        if nearest is None
        else {
            "genome": nearest.genome_id,
            "decisions": to_plain(nearest.decisions),
            "excess": nearest.excess,
            "verdicts": to_plain(nearest.judgements),
        },
        "ranges": to_plain(found.ranges),
        "open_ranges": to_plain(found.open_ranges),
        "latency": to_plain(found.latency),
        "plan": to_plain(found.plan),
        "hours": found.plan.hours if found.plan else None,
    }
