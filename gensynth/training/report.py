"""A long training with a report: choose the learning rate, train, and save comparable figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gensynth.data.sets import DataSettings
from gensynth.errors import InputError
from gensynth.evaluation.confidence import wilson_interval
from gensynth.evaluation.measurement import Measurement
from gensynth.former_names import former
from gensynth.genome import digest
from gensynth.serialization import dumps, from_plain, loads, to_plain, write_whole
from gensynth.training.folder_lock import Claim, claimed, taken
from gensynth.training.job import Job, deciding
from gensynth.training.long_training import (
    RATES,
    Choice,
    OnMeasurement,
    choose_rate,
    gain_at_end,
    is_flat,
    train_long,
)
from gensynth.training.loop import Training, data_of, top1_of

REPORT = "training.json"


@dataclass(frozen=True)
class Report:
    """The result of a long training; reports on the same data are comparable."""

    model: str
    identity: str
    """Digest of everything that determines the training."""
    params: int
    macs: int
    epochs: int
    rate: float
    """The learning rate that was chosen."""
    rates: Mapping[str, float | None]
    """Validation top-1 (percent) of each trial, by learning rate; None if the trial diverged.

    Empty if there was only one rate.
    """
    validation_top1: float
    """Percent, after the last epoch."""
    test_top1: float
    """Percent; the test split was measured once, after the last epoch."""
    test_interval: tuple[float, float]
    """The 95 % confidence interval of `test_top1`, in percent."""
    gain_at_end: float | None
    """Percentage points of validation top-1 gained over the last fifth; None if it is too short."""
    flat: bool | None
    """Whether the curve ends flat; None if it is too short to tell."""
    curve: tuple[Measurement, ...]
    start_top1: float | None = None
    """Validation top-1 (percent) before the first step, if the training went on from a network."""
    data: DataSettings | None = None
    """The images; None in the reports of earlier versions."""


def trained(
    model: str,
    job: Job,
    costs: tuple[int, int],
    test_images: int,
    rates: Sequence[float] = RATES,
    watch: OnMeasurement | None = None,
) -> Report:
    """Train `job` in its folder, resume it, or find it complete there, and return its report.

    Args:
        model: name of the network, for people.
        job: the training; it keeps its weights and measures the test split.
        costs: parameters and MACs of the network.
        test_images: size of the test split.
        rates: learning rates to choose from; a single one is used without a trial.
        watch: called with the learning rate and every measurement, those of the trials included.

    Raises:
        InputError: the folder belongs to another training, or another process trains there.
        Diverged: the training diverged at every rate.
    """
    identity = _identity(job, rates)
    known = read_report(Path(job.folder))
    if known is not None:
        if known.identity != identity:
            raise taken(job.folder, known.model)
        return known
    with claimed(Path(job.folder), Claim(model, identity)):
        before = None if job.start is None else top1_before(job)
        choice = choose_rate(job, rates, watch) if len(rates) > 1 else Choice(rates[0], {})
        curve = []
        for measurement in train_long(job, choice.rate):
            curve.append(measurement)
            if watch is not None:
                watch(choice.rate, measurement)
        report = _report(model, identity, job, costs, test_images, choice, curve)
        report = replace(report, start_top1=before, data=job.data)
        _write(report, Path(job.folder))
    return report


def rate_chosen(
    model: str, job: Job, rates: Sequence[float] = RATES, watch: OnMeasurement | None = None
) -> Choice:
    """Choose the learning rate that `trained` would use; a later `trained` reuses the trials.

    Raises:
        InputError: the folder belongs to another training, or another process trains there.
        Diverged: the training diverged at every rate.
    """
    with claimed(Path(job.folder), Claim(model, _identity(job, rates))):
        return choose_rate(job, rates, watch)


def top1_before(job: Job) -> float | None:
    """Return the validation top-1 (percent) of a job's network before its first step."""
    training = Training(job, data_of(job))
    if training.held_out is None:
        return None
    return top1_of(training.confusion(training.held_out))


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
    """Read the report of a finished training; return None if there is none.

    Raises:
        InputError: the file is not a report.
    """
    path = folder / REPORT
    if not path.exists():
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"cannot be read ({error})") from None
    return from_plain(Report, loads(text, str(path)), f"{path}: ")


def _identity(job: Job, rates: Sequence[float]) -> str:
    source = replace(job.source, module=former(job.source.module))
    parts = [to_plain(source), job.data_fingerprint, deciding(job.recipe), job.training_seed]
    start = [] if job.start is None else [job.start.identity]
    return digest(dumps([*parts, sorted(rates), *start]))


def _write(report: Report, folder: Path) -> None:
    write_whole(folder / REPORT, dumps(report))
