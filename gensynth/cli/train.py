"""`gensynth train`: train a network on your own images, by the same recipe as any other."""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional, get_args

import typer

from gensynth.cli import INTERRUPTED
from gensynth.cli.options import AsJson, data_path
from gensynth.errors import InputError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gensynth.data.sets import DataSet, DataSettings
    from gensynth.evaluation.measurement import Measurement
    from gensynth.models.by_name import Sourced
    from gensynth.space import Source
    from gensynth.training.device import Device
    from gensynth.training.job import Job, Recipe
    from gensynth.training.report import Report

# typer reads these at run time, so they are spelled the old way.
Number = Optional[int]  # noqa: UP045
Folder = Optional[Path]  # noqa: UP045
Threads = Annotated[
    int, typer.Option(help="More help large networks, on cores that are idle.", min=1)
]
Trained = Annotated[
    str, typer.Argument(help="timm:NAME, SPACE:PRESET, a genome file or an export.")
]
Share = Annotated[float, typer.Option(help="Share of the training images that is used, up to 1.")]
Validation = Annotated[
    float, typer.Option(help="Share of the training images that is held out, if no folder is.")
]
Rates = Annotated[
    str, typer.Option(help="Learning rates to choose from, with commas; one is not tried.")
]
RateOnly = Annotated[bool, typer.Option("--rate-only", help="Choose the learning rate, and stop.")]


def train(
    model: Trained,
    data: Annotated[str, typer.Option(help="A folder of images, or digits.")],
    epochs: Annotated[int, typer.Option(help="Length of the training.", min=1)] = 60,
    out: Annotated[Folder, typer.Option(help="Its folder; default runs/train/MODEL.")] = None,
    image_size: Annotated[Number, typer.Option(help="Pixels; default the data's own.")] = None,
    batch_size: Annotated[int, typer.Option(help="Images in a batch.", min=2)] = 128,
    data_share: Share = 1.0,
    validation_share: Validation = 0.2,
    augment: Annotated[str, typer.Option(help="crop, flip, cutout; with commas.")] = "crop",
    seed: Annotated[int, typer.Option(help="Of weights and order of images.", min=0)] = 0,
    threads: Threads = 1,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    rates: Rates = "0.1,0.2,0.4",
    rate_only: RateOnly = False,
    as_json: AsJson = False,
) -> None:
    """Train a network long and measure it once on the test split.

    The learning rate is chosen for each network from the same few values, by
    validation; everything else of the recipe is the same for all, so that
    figures on the same data compare. Interrupted, it goes on where it was;
    after --rate-only, with the training at the chosen rate.
    """
    from gensynth.cli.rows import print_json
    from gensynth.data.sets import DataSettings
    from gensynth.serialization import to_plain

    recipe = _recipe(epochs, batch_size, data_share, augment)
    settings = DataSettings(data_path(data), image_size, validation_share=validation_share)
    place = out or Path("runs") / "train" / model.replace(":", "-").replace("/", "-")
    tried = _numbers(rates)
    with _told(model):
        prepared = _prepared(model, settings, recipe, place, seed, threads, device)
        if rate_only:
            return _tell_rate(prepared, tried, as_json)
        done = _trained(prepared, tried)
    print_json([to_plain(done.report)]) if as_json else _show(done, place)


@contextmanager
def _told(model: str) -> "Iterator[None]":
    """Say in one line how a training ended that did not come to its end."""
    from gensynth.training.job import Diverged

    try:
        yield
    except Diverged as error:
        typer.echo(f"gensynth: {model}: diverged with every learning rate: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("gensynth: interrupted: the same command goes on from here", err=True)
        raise typer.Exit(INTERRUPTED) from None


@dataclass(frozen=True)
class _Prepared:
    """A training that may begin."""

    model: str
    job: "Job"
    costs: tuple[int, int]
    images: "DataSet"
    genome: "Sourced | None"


@dataclass(frozen=True)
class _Done:
    """What a training has come to."""

    report: "Report"
    network: Path | None
    """The standalone folder; None for networks that are not ours to write down."""


def _recipe(epochs: int, batch_size: int, data_share: float, augment: str) -> "Recipe":
    from gensynth.serialization import from_plain
    from gensynth.training.job import Augmentation, Recipe

    words = [word.strip() for word in augment.split(",") if word.strip() not in ("", "none")]
    chosen = from_plain(tuple[Augmentation, ...], words, "--augment")
    return Recipe(
        epochs=epochs,
        batch_size=batch_size,
        data_share=data_share,
        augment=chosen,
        ema_decay=0.99,
    )


def _prepared(
    model: str,
    settings: "DataSettings",
    recipe: "Recipe",
    place: Path,
    seed: int,
    threads: int,
    device: str,
) -> _Prepared:
    from gensynth.cli.running import decoding, remark
    from gensynth.data.open import open_data
    from gensynth.models.by_name import trainable_genome, trainable_source
    from gensynth.training.job import Job

    with decoding() as progress:
        images = open_data(settings, progress=progress)
    remark(images)
    genome = trainable_genome(model, images.task)
    source = genome.source if genome else trainable_source(model, images.task)
    costs = _costs(model, source)
    job = Job(
        number=0,
        purpose="export",
        source=source,
        data=settings,
        data_fingerprint=images.fingerprint,
        recipe=recipe,
        training_seed=seed,
        folder=str(_made(place).resolve()),
        measure_test=True,
        keep_weights=True,
        threads=threads,
        device=_device(device),
    )
    return _Prepared(model, job, costs, images, genome)


def _numbers(rates: str) -> list[float]:
    try:
        numbers = [float(word) for word in rates.split(",")]
    except ValueError:
        raise InputError("--rates", f"expected numbers with commas, got {rates!r}") from None
    if not all(0 < number < float("inf") for number in numbers):
        raise InputError("--rates", f"expected numbers above 0, got {rates!r}")
    return sorted(set(numbers))


def _trained(prepared: _Prepared, rates: "Sequence[float]") -> _Done:
    from gensynth.exports.publish import publish_trained
    from gensynth.training.report import trained

    job, genome, images = prepared.job, prepared.genome, prepared.images
    test_images = len(images.splits["test"])
    report = trained(prepared.model, job, prepared.costs, test_images, rates, _tell)
    return _Done(report, publish_trained(genome, job, images, report) if genome else None)


def _tell_rate(prepared: _Prepared, rates: "Sequence[float]", as_json: bool) -> None:
    from gensynth.cli.rows import print_json
    from gensynth.training.report import rate_chosen

    choice = rate_chosen(prepared.model, prepared.job, rates, _tell)
    top1s = {f"{rate:g}": top1 for rate, top1 in choice.top1s.items()}
    if as_json:
        return print_json([{"model": prepared.model, "rate": choice.rate, "rates": top1s}])
    typer.echo(f"{prepared.model}\n  learning rate     {choice.rate:g} of {_rates(top1s)}")


def _costs(model: str, source: "Source") -> tuple[int, int]:
    """Count parameters and MACs; a network that cannot take the images is refused."""
    from gensynth.graph.profile import profile
    from gensynth.graph.trace import trace
    from gensynth.space import build_source

    try:
        costs = profile(trace(build_source(source), source.input_shape))
    except InputError as error:
        if error.place != "model":
            raise
        problem = f"{error.problem}; another --image-size may suit it"
        raise InputError(model, problem) from None
    return costs.params, costs.macs


def _device(word: str) -> "Device":
    from gensynth.training.device import Device

    for known in get_args(Device):
        if known == word:
            return known  # type: ignore[no-any-return]
    raise unknown("--device", "device", word, get_args(Device))


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(str(folder), f"cannot be made a folder ({error.strerror})") from None
    return folder


def _tell(rate: float, measurement: "Measurement") -> None:
    line = f"rate {rate:g}  epoch {measurement.epoch}  loss {measurement.loss:.3f}"
    typer.echo(f"{line}  validation top-1 {measurement.top1:.2f} %", err=True)


def _show(done: _Done, place: Path) -> None:
    from gensynth.cli.rows import count
    from gensynth.training.job import WEIGHTS

    report = done.report
    low, high = report.test_interval
    lines = [
        f"{report.model}  {count(report.params)}params  {count(report.macs)}MACs",
        f"  test top-1        {report.test_top1:.2f} % (95 % interval {low:.2f} to {high:.2f})",
        f"  validation top-1  {report.validation_top1:.2f} %",
        f"  learning rate     {report.rate:g}{_tried(report)}",
        f"  curve             {_end(report)}",
        f"  weights           {place / WEIGHTS}",
    ]
    if done.network is not None:
        lines.append(f"  standalone        {place / done.network.name}")
    typer.echo("\n".join(lines))


def _tried(report: "Report") -> str:
    return f", the best of a short training each ({_rates(report.rates)})" if report.rates else ""


def _rates(tried: "Mapping[str, float | None]") -> str:
    words = ("diverged" if top1 is None else f"{top1:.2f} %" for top1 in tried.values())
    return ", ".join(f"{rate}: {word}" for rate, word in zip(tried, words, strict=True))


def _end(report: "Report") -> str:
    if report.gain_at_end is None:
        return f"{report.epochs} epochs are too few to tell whether it has flattened"
    word = "flat" if report.flat else "still rising: train longer"
    return f"{word} ({report.gain_at_end:+.2f} points in the last fifth of {report.epochs} epochs)"
