"""`gensynth search`: run a campaign from an experiment to an exported network."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Optional, get_args

import typer
from rich.console import Console
from rich.progress import Progress

from gensynth.campaign import Campaign, Done
from gensynth.campaign_folder import EXPERIMENT, driving, known_experiment
from gensynth.cli.live import Changed, watching
from gensynth.cli.options import AsJson
from gensynth.cli.standings import show_campaign
from gensynth.data import Progress as Decoded
from gensynth.errors import InputError, unknown
from gensynth.experiment import (
    Executor,
    Experiment,
    Plugin,
    embedded_experiment,
    read_experiment,
)
from gensynth.publish import publish

# typer reads these at run time, so they are spelled the old way.
Text = Optional[str]  # noqa: UP045
Number = Optional[int]  # noqa: UP045
File = Optional[Path]  # noqa: UP045


def search(
    experiment: Annotated[File, typer.Argument(help="TOML file; without it: digits.")] = None,
    data: Annotated[Text, typer.Option(help="A folder of images, or digits.")] = None,
    out: Annotated[File, typer.Option(help="The campaign's folder; default runs/NAME.")] = None,
    trials: Annotated[Number, typer.Option(help="Trainings of the search.")] = None,
    generator: Annotated[Text, typer.Option(help="A generator's name.")] = None,
    executor: Annotated[Text, typer.Option(help="inline or ray.")] = None,
    address: Annotated[Text, typer.Option(help="Address of a running Ray cluster.")] = None,
    storage: Annotated[Text, typer.Option(help="Database URL of the record.")] = None,
    seed: Annotated[Number, typer.Option(help="Decides everything left to chance.")] = None,
    as_json: AsJson = False,
) -> None:
    """Search, train and export a network; again on the same folder it resumes or extends.

    Ends with 0 where a network was exported, 1 where nothing was feasible.
    """
    settings, folder = _settings(experiment, out)
    settings = _changed(settings, data, trials, generator, executor, seed)
    with (
        _decoding() as progress,
        driving(folder, settings, storage, progress) as campaign,
    ):
        with watching(campaign, quiet=as_json) as changed:
            done = _run(campaign, address, changed)
        published = publish(campaign, folder / "best")
        show_campaign(campaign, as_json, done.reason, published)
    raise typer.Exit(0 if published else 1)


def _settings(file: Path | None, out: Path | None) -> tuple[Experiment, Path]:
    """Find the experiment: the file's, else the folder's own, else the embedded one."""
    if file is None and out is not None and (out / EXPERIMENT).exists():
        return known_experiment(out), out
    settings = read_experiment(file) if file else embedded_experiment("digits")
    return settings, out or Path("runs") / settings.name


def _changed(
    settings: Experiment,
    data: str | None,
    trials: int | None,
    generator: str | None,
    executor: str | None,
    seed: int | None,
) -> Experiment:
    """Let the command line's options win over the file's."""
    path = data if data in (None, "digits") else str(Path(data or "").resolve())
    try:
        return replace(
            settings,
            data=settings.data if path is None else replace(settings.data, path=path),
            trials=settings.trials if trials is None else trials,
            generator=settings.generator if generator is None else Plugin(generator),
            executor=settings.executor if executor is None else _executor(executor),
            seed=settings.seed if seed is None else seed,
        )
    except InputError as error:
        raise InputError(f"--{error.place}", error.problem) from None


def _executor(word: str) -> Executor:
    for known in get_args(Executor):
        if known == word:
            return known  # type: ignore[no-any-return]
    raise unknown("--executor", "executor", word, get_args(Executor))


def _run(campaign: Campaign, address: str | None, changed: Changed) -> Done:
    if campaign.setting.experiment.executor == "inline":
        if address is not None:
            raise InputError("--address", "is for the ray executor")
        from gensynth.inline_executor import run

        return run(campaign, changed)
    from gensynth.ray_executor import run as run_on_ray

    return run_on_ray(campaign, address, changed)


@contextmanager
def _decoding() -> Iterator[Decoded]:
    """Show a progress bar while images are decoded, from the first call on."""
    with Progress(console=Console(stderr=True), transient=True) as bar:
        tasks: list[int] = []

        def progress(done: int, total: int) -> None:
            if not tasks:
                tasks.append(bar.add_task("decoding images", total=total))
            bar.update(tasks[0], completed=done)  # type: ignore[arg-type]
            if done >= total:
                bar.stop()

        yield progress
