"""`gensynth train`: train a network on your own images, by the same recipe as any other."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

import gensynth
from gensynth.cli.options import AsJson, ClassLevel, print_json, print_measurement, words
from gensynth.errors import InputError
from gensynth.process import exit_code, say

if TYPE_CHECKING:
    from gensynth.training.long_training import Choice
    from gensynth.training.report import Report

# typer reads these at run time, so they are spelled the old way.
Number = Optional[int]  # noqa: UP045
Folder = Optional[Path]  # noqa: UP045
NetworkToTrain = Annotated[
    str,
    typer.Argument(
        help="timm:NAME, SPACE:PRESET, module:factory, a genome file or an exported folder."
    ),
]
Share = Annotated[float, typer.Option(help="Share of the training images to use, up to 1.")]
Validation = Annotated[
    float,
    typer.Option(help="Share of the training images to hold out if there is no val/ folder."),
]
Augment = Annotated[
    str, typer.Option(help="Comma-separated: crop, flip, cutout, colour, erase; or none.")
]
Rates = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        help="Comma-separated learning rates to try. A single value is used without a trial. "
        "Default: 0.1,0.2,0.4; for an exported network, 0.01,0.03,0.1."
    ),
]
Scratch = Annotated[
    bool, typer.Option("--from-scratch", help="Give an exported network fresh weights.")
]
RateOnly = Annotated[bool, typer.Option("--rate-only", help="Choose the learning rate and stop.")]
Threads = Annotated[
    int,
    typer.Option(help="CPU threads. More threads help large networks if cores are idle.", min=1),
]
DeviceName = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Seed = Annotated[int, typer.Option(help="Random seed of weights and order of images.", min=0)]
Size = Annotated[
    Number,
    typer.Option(help="Resize images to this height and width in pixels. Default: original size."),
]


def train(
    model: NetworkToTrain,
    data: Annotated[str, typer.Option(help="A folder of images, or digits.")],
    epochs: Annotated[int, typer.Option(help="Number of epochs.", min=1)] = 60,
    out: Annotated[Folder, typer.Option(help="Folder. Default: runs/train/MODEL.")] = None,
    image_size: Size = None,
    class_level: ClassLevel = None,
    batch_size: Annotated[int, typer.Option(help="Images per batch.", min=2)] = 128,
    data_share: Share = 1.0,
    validation_share: Validation = 0.2,
    augment: Augment = "crop",
    seed: Seed = 0,
    threads: Threads = 1,
    device: DeviceName = "auto",
    rates: Rates = None,
    rate_only: RateOnly = False,
    from_scratch: Scratch = False,
    as_json: AsJson = False,
) -> None:
    """Train a network for many epochs and measure it once on the test split.

    The learning rate is chosen for each network from the same values, by
    validation; the rest of the recipe is the same for all, so results on the
    same data are comparable. An exported network goes on from its weights; if
    the classes of the images are others, its last layer is replaced.

    Run the same command again to resume an interrupted training, or to train at
    the rate that --rate-only chose.
    """
    with _ends_in_a_line(model):
        done = gensynth.train(
            model,
            data,
            epochs=epochs,
            out=out,
            image_size=image_size,
            class_level=class_level,
            batch_size=batch_size,
            data_share=data_share,
            validation_share=validation_share,
            augment=words(augment),
            seed=seed,
            threads=threads,
            device=device,
            rates=None if rates is None else _numbers(rates),
            rate_only=rate_only,
            from_scratch=from_scratch,
            watch=print_measurement,
        )
    _show(done, as_json)


@contextmanager
def _ends_in_a_line(model: str) -> Iterator[None]:
    """Report in one line why a training did not finish."""
    try:
        yield
    except gensynth.Diverged as error:
        typer.echo(f"gensynth: {model}: diverged with every learning rate: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt as interrupt:
        say("gensynth: interrupted: the same command resumes the training")
        raise typer.Exit(exit_code(interrupt)) from None


def _numbers(rates: str) -> list[float]:
    try:
        numbers = [float(word) for word in rates.split(",")]
    except ValueError:
        raise InputError("rates", f"expected comma-separated numbers, got {rates!r}") from None
    if not all(0 < number < float("inf") for number in numbers):
        raise InputError("rates", f"expected numbers above 0, got {rates!r}")
    return sorted(set(numbers))


def _show(done: "gensynth.Trained", as_json: bool) -> None:
    if done.choice is not None:
        return _show_choice(done, done.choice, as_json)
    return print_json([done.plain()]) if as_json else typer.echo("\n".join(_lines(done)))


def _show_choice(done: "gensynth.Trained", choice: "Choice", as_json: bool) -> None:
    top1s = {f"{rate:g}": top1 for rate, top1 in choice.top1s.items()}
    if as_json:
        return print_json([{"model": done.model, "rate": choice.rate, "rates": top1s}])
    typer.echo(f"{done.model}\n  learning rate     {choice.rate:g} of {_rates(top1s)}")


def _lines(done: "gensynth.Trained") -> list[str]:
    from gensynth.report.words import count

    report = done.report
    if report is None:
        return []
    low, high = report.test_interval
    lines = [
        f"{report.model}  {count(report.params)}params  {count(report.macs)}MACs",
        f"  test top-1        {report.test_top1:.2f} % (95 % interval {low:.2f} to {high:.2f})",
        f"  validation top-1  {report.validation_top1:.2f} %",
        *_started(done.start, report),
        f"  learning rate     {report.rate:g}{_tried(report)}",
        f"  curve             {_end(report)}",
        f"  weights           {done.weights}",
    ]
    return lines + ([f"  standalone        {done.exported}"] if done.exported else [])


def _started(start: str, report: "Report") -> list[str]:
    if report.start_top1 is None:
        return []
    return [f"  began at          {report.start_top1:.2f} % validation top-1; {start}"]


def _tried(report: "Report") -> str:
    if not report.rates:
        return ""
    return f", the best of a short training each ({_rates(report.rates)})"


def _rates(tried: Mapping[str, float | None]) -> str:
    words = ("diverged" if top1 is None else f"{top1:.2f} %" for top1 in tried.values())
    return ", ".join(f"{rate}: {word}" for rate, word in zip(tried, words, strict=True))


def _end(report: "Report") -> str:
    if report.gain_at_end is None:
        return f"{report.epochs} epochs are too few to see whether it has flattened"
    word = "flat" if report.flat else "still rising: train longer"
    return f"{word} ({report.gain_at_end:+.2f} points in the last fifth of {report.epochs} epochs)"
