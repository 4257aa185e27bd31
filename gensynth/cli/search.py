"""`gensynth search`: run a campaign from an experiment to an exported network."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Optional, get_args

import typer

from gensynth.campaign.experiment import (
    EXPERIMENT,
    Executor,
    Experiment,
    Plugin,
    embedded_experiment,
    read_experiment,
)
from gensynth.cli.options import AsJson, BroughtTo, ExperimentOrSuited, Images, data_path
from gensynth.errors import InputError, unknown
from gensynth.record.address import without_password

# typer reads these at run time, so they are spelled the old way.
Text = Optional[str]  # noqa: UP045
Number = Optional[int]  # noqa: UP045
File = Optional[Path]  # noqa: UP045


def search(
    experiment: ExperimentOrSuited = None,
    data: Images = None,
    image_size: BroughtTo = None,
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
    given = {"": experiment, "data": data, "image-size": image_size, "out": out, "trials": trials}
    given |= {"generator": generator, "executor": executor, "address": address, "seed": seed}
    given |= {"storage": storage and without_password(storage), "json": as_json or None}
    settings, folder = _settings(experiment, out, data)
    settings = changed(settings, data, image_size, trials, generator, executor, seed)
    _require_writable(folder)
    from gensynth.cli.running import run_campaign

    published = run_campaign(settings, folder, storage, address, as_json, _command(given))
    raise typer.Exit(0 if published else 1)


def _settings(
    file: Path | None, out: Path | None, data: str | None = None
) -> tuple[Experiment, Path]:
    """Find the experiment: the file's, else the folder's own, else the embedded one."""
    if file is None and out is not None and (out / EXPERIMENT).exists():
        return read_experiment(out / EXPERIMENT), out
    settings = read_experiment(file) if file else embedded(data)
    return settings, out or Path("runs") / settings.name


def embedded(data: str | None) -> Experiment:
    """Give the experiment for images that no file says anything about."""
    if data is None or data == "digits":
        return embedded_experiment("digits")
    word = data.removeprefix("hub:") if data.startswith("hub:") else Path(data).resolve().name
    return embedded_experiment("folder", re.sub(r"[^\w.-]+", "-", word).strip(".-") or "images")


def _command(given: Mapping[str, object]) -> str:
    """Write the command that goes on, with every option that was given."""
    words = ["gensynth", "search"]
    for name, value in given.items():
        if value is not None:
            words += [f"--{name}"] if name else []
            words += [] if value is True else [str(value)]
    return shlex.join(words)


def _require_writable(folder: Path) -> None:
    """Make the campaign's folder, or raise `InputError` where that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        problem = f"no folder can be made or written here ({error.strerror}); choose another --out"
        raise InputError(str(folder), problem) from None


def changed(
    settings: Experiment,
    data: str | None = None,
    image_size: int | None = None,
    trials: int | None = None,
    generator: str | None = None,
    executor: str | None = None,
    seed: int | None = None,
) -> Experiment:
    """Let the command line's options win over the file's."""
    path = None if data is None else data_path(data)
    try:
        images = settings.data if path is None else replace(settings.data, path=path)
        return replace(
            settings,
            data=images if image_size is None else replace(images, image_size=image_size),
            trials=settings.trials if trials is None else trials,
            generator=settings.generator if generator is None else Plugin(generator),
            executor=settings.executor if executor is None else _executor(executor),
            seed=settings.seed if seed is None else seed,
        )
    except InputError as error:
        raise InputError("--" + error.place.replace("_", "-"), error.problem) from None


def _executor(word: str) -> Executor:
    for known in get_args(Executor):
        if known == word:
            return known  # type: ignore[no-any-return]
    raise unknown("executor", "executor", word, get_args(Executor))
