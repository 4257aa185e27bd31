"""A training from a name to figures that can be compared: rate chosen, trained long, told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gensynth.errors import InputError
from gensynth.evaluation.confidence import wilson_interval
from gensynth.evaluation.measurement import Measurement
from gensynth.genome import digest
from gensynth.serialization import dumps, from_plain, loads, to_plain, write_whole
from gensynth.training.job import Job
from gensynth.training.long import (
    RATES,
    Choice,
    Watch,
    choose_rate,
    gain_at_end,
    is_flat,
    train_long,
)
from gensynth.training.place import Begun, alone, another

REPORT = "training.json"


@dataclass(frozen=True)
class Report:
    """What a long training showed; figures of reports on the same data compare."""

    model: str
    identity: str
    """Of everything that decides the training."""
    params: int
    macs: int
    epochs: int
    rate: float
    """The learning rate that was chosen."""
    rates: Mapping[str, float | None]
    """By learning rate, the validation top-1 (percent) of its trial; None where it diverged.

    Empty where there was nothing to choose.
    """
    validation_top1: float
    test_top1: float
    """Percent; the test split was measured once, after the last epoch."""
    test_interval: tuple[float, float]
    """The 95 % interval of it on images of the same kind."""
    gain_at_end: float | None
    """Points of validation top-1 gained over the last fifth; None where that is too short."""
    flat: bool | None
    """Whether the curve has flattened; None where it is too short to tell."""
    curve: tuple[Measurement, ...]


def trained(
    model: str,
    job: Job,
    costs: tuple[int, int],
    test_images: int,
    rates: Sequence[float] = RATES,
    watch: Watch | None = None,
) -> Report:
    """Train `job` in its folder, or go on where it was interrupted, and report.

    A folder that holds the same training, finished, is read and nothing is trained again.

    Args:
        model: what people call the network.
        job: trains on the train split, keeps its weights, measures the test split.
        costs: its parameters and MACs.
        test_images: size of the test split.
        rates: learning rates to choose from; one is taken without a trial.
        watch: told the learning rate and every measurement, of the trials too.

    Raises:
        InputError: the folder holds another training, finished or not, or one that runs.
        Diverged: the training diverged with every rate.
    """
    identity = _identity(job, rates)
    known = read_report(Path(job.folder))
    if known is not None:
        if known.identity != identity:
            raise another(job.folder, known.model)
        return known
    with alone(Path(job.folder), Begun(model, identity)):
        choice = choose_rate(job, rates, watch) if len(rates) > 1 else Choice(rates[0], {})
        curve = []
        for measurement in train_long(job, choice.rate):
            curve.append(measurement)
            if watch is not None:
                watch(choice.rate, measurement)
        report = _report(model, identity, job, costs, test_images, choice, curve)
        _write(report, Path(job.folder))
    return report


def rate_chosen(
    model: str, job: Job, rates: Sequence[float] = RATES, watch: Watch | None = None
) -> Choice:
    """Choose the learning rate that `trained` would train with; a later `trained` goes on from it.

    Raises:
        InputError: the folder holds another training, or one that runs.
        Diverged: the training diverged with every rate.
    """
    with alone(Path(job.folder), Begun(model, _identity(job, rates))):
        return choose_rate(job, rates, watch)


def _report(
    model: str,
    identity: str,
    job: Job,
    costs: tuple[int, int],
    test_images: int,
    choice: Choice,
    curve: Sequence[Measurement],
) -> Report:
    test_top1 = curve[-1].test_top1 or 0.0
    return Report(
        model=model,
        identity=identity,
        params=costs[0],
        macs=costs[1],
        epochs=job.recipe.epochs,
        rate=choice.rate,
        rates={f"{rate:g}": top1 for rate, top1 in choice.top1s.items()},
        validation_top1=curve[-1].top1,
        test_top1=test_top1,
        test_interval=wilson_interval(test_top1, test_images),
        gain_at_end=gain_at_end(curve),
        flat=is_flat(curve),
        curve=tuple(curve),
    )


def read_report(folder: Path) -> Report | None:
    """Read the report of a finished training; None where there is none."""
    path = folder / REPORT
    if not path.exists():
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"cannot be read ({error})") from None
    return from_plain(Report, loads(text, str(path)), f"{path}: ")


def _identity(job: Job, rates: Sequence[float]) -> str:
    parts = [to_plain(job.source), job.data_fingerprint, to_plain(job.recipe), job.training_seed]
    return digest(dumps([*parts, sorted(rates)]))


def _write(report: Report, folder: Path) -> None:
    write_whole(folder / REPORT, dumps(report))
