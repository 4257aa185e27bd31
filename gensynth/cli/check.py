"""`gensynth check`: does a network keep the constraints?"""

from pathlib import Path

import typer

from gensynth.cli.options import AsJson, Channels, Classes, ExperimentFile, ImageSize, Models, task


def check(
    models: Models,
    experiment: ExperimentFile = None,
    image_size: ImageSize = 224,
    channels: Channels = 3,
    classes: Classes = 1000,
    as_json: AsJson = False,
) -> None:
    """Judge networks by the constraints of the paper, or of an experiment.

    Ends with 0 where no enforced constraint is broken, 1 where one is.
    """
    from gensynth.cli.judged import judged_row
    from gensynth.cli.rows import show_rows
    from gensynth.constraint import broken
    from gensynth.experiment import embedded_experiment, read_experiment

    settings = read_experiment(experiment) if experiment else embedded_experiment("paper")
    indicator, wanted = settings.make_indicator(), task(image_size, channels, classes)
    rows = [judged_row(name, wanted, indicator, Path.cwd()) for name in models]
    show_rows(rows, as_json)
    unclear = any(row.profile is None for row in rows)
    raise typer.Exit(int(unclear or any(broken(row.judgements) for row in rows)))
