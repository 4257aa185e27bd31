"""`gensynth preflight`: what can be said of an experiment before anything is trained."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from gensynth.cli.options import AsJson, BroughtTo, ExperimentOrSuited, Images

if TYPE_CHECKING:
    from gensynth.preflight.findings import Findings


def preflight(
    experiment: ExperimentOrSuited = None,
    data: Images = None,
    image_size: BroughtTo = None,
    samples: Annotated[int, typer.Option(help="Candidates that are drawn.", min=20)] = 2000,
    as_json: AsJson = False,
) -> None:
    """Say before a search whether it can succeed, what hinders it, and how long it takes.

    Draws candidates of the space, judges them by all rules that need no
    training (as if their training reached 100 %), times the training of three
    and the latency of six. Nothing is kept.

    Ends with 0 where a candidate keeps the enforced rules as far as they can
    be known now, 1 where none was found.
    """
    from gensynth.campaign.context import make_context
    from gensynth.campaign.experiment import read_experiment
    from gensynth.cli.preflight_page import show_findings
    from gensynth.cli.rows import print_json
    from gensynth.cli.running import decoding, remark
    from gensynth.cli.search import changed, embedded
    from gensynth.preflight.findings import preflight as look_ahead

    settings = read_experiment(experiment) if experiment else embedded(data)
    settings = changed(settings, data, image_size)
    with decoding() as progress:
        context = make_context(settings, progress)
    remark(context)
    context.check_measurable()  # Once, or every candidate would fail of it.
    with decoding("judging candidates") as watch:
        found = look_ahead(context, samples, watch=watch)
    if as_json:
        print_json(plain(found))
    else:
        show_findings(settings.name, found)
    raise typer.Exit(int(found.impossible))


def plain(found: "Findings") -> dict[str, object]:
    """Give the findings as `--json` prints them."""
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
