"""`gensynth check`: does a network keep the constraints?"""

import typer

from gensynth.cli.options import AsJson, Channels, Classes, ExperimentFile, Models, PeerSize


def check(
    models: Models,
    experiment: ExperimentFile = None,
    image_size: PeerSize = None,
    channels: Channels = 3,
    classes: Classes = 1000,
    as_json: AsJson = False,
) -> None:
    """Judge networks by the constraints of the paper, or of an experiment.

    Tells verdict, margin and offending layers of each constraint, what the
    network costs, and in how many parallel columns each stage computes and
    where these interact. Without --experiment, the published ImageNet top-1
    of a timm network is judged too.

    Ends with 0 where no enforced constraint is broken, 1 where one is.
    """
    from gensynth.cli.findings import show_findings
    from gensynth.cli.judged import judged_row, wanted_by
    from gensynth.evaluation.constraint import broken

    wanted = wanted_by(experiment, image_size, channels, classes)
    rows = [judged_row(name, wanted) for name in models]
    show_findings(rows, as_json)
    unclear = any(row.profile is None for row in rows)
    raise typer.Exit(int(unclear or any(broken(row.judgements) for row in rows)))
