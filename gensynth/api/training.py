"""A long training of one network: by the same recipe as any other, so that figures compare."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from gensynth.api.experiments import data_path
from gensynth.data.open import open_data
from gensynth.data.sets import DataSet, DataSettings
from gensynth.errors import InputError, unknown
from gensynth.evaluation.measurement import Measurement
from gensynth.exports.hub_files import as_exported, read_images
from gensynth.exports.publish import publish_trained
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from gensynth.models.by_name import trainable
from gensynth.models.exported import (
    EXPORTED_WEIGHTS,
    export_in,
    read_weights,
    with_weights,
)
from gensynth.models.opened_export import open_export
from gensynth.report.progress import print_line, progress_bar, warn
from gensynth.serialization import Plain, from_plain, to_plain
from gensynth.space import Source, build_source
from gensynth.training.job import WEIGHTS, Augmentation, Job, Recipe, Start
from gensynth.training.long_training import FINE_TUNING_RATES, RATES, Choice
from gensynth.training.photometric import require_torchvision
from gensynth.training.report import Report, rate_chosen
from gensynth.training.report import trained as train_and_report
from gensynth.training.starting_weights import start_from
from gensynth.training.torch_device import TorchDevice

if TYPE_CHECKING:
    from torch import nn

Watch = Callable[[float, Measurement], None]
"""Called with the learning rate and each measurement."""


@dataclass(frozen=True)
class Trained:
    """A trained network: its figures and where it is.

    >>> import gensynth
    >>> trained = gensynth.train("attendnext:tiny", "digits", epochs=1, rates=[0.2])
    >>> trained.network().training, trained.weights.name
    (False, 'model.safetensors')
    """

    model: str
    folder: Path
    choice: Choice | None
    """The learning rate chosen and what each rate reached, if nothing else was asked for."""
    report: Report | None
    """The figures of the training; None if only the learning rate was chosen."""
    exported: Path | None
    """The standalone folder; None if only the learning rate was chosen."""
    _source: Source
    start: str = ""
    """What the training went on from, and whether its last layer is new; empty: fresh weights."""

    @property
    def weights(self) -> Path:
        """The file of the weights."""
        return self.folder / WEIGHTS

    def plain(self) -> Plain:
        """Return the report as plain data."""
        return to_plain(self.report)

    def network(self) -> "nn.Module":
        """Return the trained network as a `torch.nn.Module` in eval mode."""
        if self.exported is not None:
            return open_export(self.exported, trust=True)
        weights = read_weights(self.weights)
        return with_weights(build_source(self._source), weights, str(self.weights))


def train(
    model: str | Path,
    data: str | Path,
    *,
    epochs: int = 60,
    out: str | Path | None = None,
    image_size: int | None = None,
    class_level: int | None = None,
    batch_size: int = 128,
    data_share: float = 1.0,
    validation_share: float = 0.2,
    augment: Sequence[str] = ("crop",),
    seed: int = 0,
    threads: int = 1,
    device: str = "auto",
    rates: Sequence[float] | None = None,
    rate_only: bool = False,
    from_scratch: bool = False,
    watch: Watch | None = None,
) -> Trained:
    """Train a network for many epochs and measure it once on the test split.

    The learning rate is chosen for each network from the same values, by validation. An
    interrupted training resumes with the same call.

    An exported network goes on from its weights and keeps its normalisation and input size. If
    the classes of the images are others, its last layer is replaced.

    Args:
        model: `timm:NAME`, `SPACE:PRESET`, `module:factory`, a genome file, an exported folder, or
            the folder of a campaign or an earlier training, which hold one.
        data: a folder of images, or `digits`.
        epochs: length of the training.
        out: folder of the training, `runs/train/MODEL` by default.
        image_size: resize images to this height and width; by default they keep their size, or
            take that of an exported network.
        class_level: which folders are the classes, 1 by default; see `[data]` of an experiment.
        batch_size: images per batch.
        data_share: share of the training images to use, up to 1.
        validation_share: share of the training images to hold out if there is no such folder.
        augment: any of `crop`, `flip`, `cutout`, `colour`, `erase`.
        seed: random seed of the weights and the order of images.
        threads: CPU threads.
        device: `auto`, `cpu` or `cuda`.
        rates: learning rates to try, by default smaller ones for an exported network; a single
            value is used without a trial.
        rate_only: choose the learning rate and stop.
        from_scratch: give an exported network fresh weights.
        watch: called with the learning rate and each measurement.

    Raises:
        InputError: the network, the data or the folder cannot be used.
        Diverged: the training diverged with every learning rate.

    >>> import gensynth
    >>> trained = gensynth.train("attendnext:tiny", "digits", epochs=2, rates=[0.2])
    >>> 0 < trained.report.test_top1 <= 100
    True
    """
    model = str(model)
    place = Path(out) if out is not None else _usual_folder(model)
    exported = export_in(Path(model))
    settings = _settings(data, image_size, validation_share, class_level, exported)
    recipe, on = _recipe(epochs, batch_size, data_share, augment), _device(device)
    images = _opened(settings)
    warn(images)
    network = trainable(model, images.task)
    source, begins = network.source, None if from_scratch else exported
    start, words = _start(model, begins, source, images)
    tried = rates if rates is not None else RATES if start is None else FINE_TUNING_RATES
    costs = _costs(model, source)
    images = _opened(settings, source.input_shape[1:])
    job = _job(source, settings, images, recipe, seed, place, threads, on, start)
    if rate_only:
        choice = rate_chosen(model, job, tried, watch)
        return Trained(model, place, choice, None, None, source, words)
    report = train_and_report(model, job, costs, len(images.splits["test"]), tried, watch)
    written = publish_trained(network, job, images, report)
    return Trained(model, place, None, report, written, source, words)


def _opened(settings: DataSettings, size: tuple[int, int] | None = None) -> DataSet:
    with progress_bar() as bar:
        return open_data(settings, progress=bar, size=size)


def _settings(
    data: str | Path,
    image_size: int | None,
    validation_share: float,
    class_level: int | None,
    exported: Path | None,
) -> DataSettings:
    """Return how the images are opened: for an exported network, as it takes them."""
    settings = DataSettings(data_path(str(data)), image_size, validation_share=validation_share)
    settings = settings if class_level is None else replace(settings, class_level=class_level)
    known = None if exported is None else read_images(exported)
    return settings if known is None else as_exported(known, settings)


def _start(
    model: str, exported: Path | None, source: Source, images: DataSet
) -> tuple[Start | None, str]:
    """Return how the training of an exported network begins, and say so."""
    if exported is None:
        return None, ""
    start, words = _start_from(exported, source, images)
    print_line(f"{model}: {words}")
    return start, words


def _start_from(exported: Path, source: Source, images: DataSet) -> tuple[Start, str]:
    known = read_images(exported)
    names = () if known is None else tuple(known.class_names)
    how = images if known is None else known.preprocessing
    same = not names or names == images.class_names
    mean, std = how.mean, how.std
    start = start_from(exported / EXPORTED_WEIGHTS, build_source(source), mean, std, same)
    if same:
        return start, "goes on from its weights; its classes are those of the images"
    classes = f"{len(images.class_names)} classes instead of {len(names)}"
    if len(images.class_names) == len(names):
        classes = f"other classes: {', '.join(images.class_names[:5])}"
    return start, f"goes on from its weights; its last layer is replaced ({classes})"


def _job(
    source: Source,
    settings: DataSettings,
    images: DataSet,
    recipe: Recipe,
    seed: int,
    place: Path,
    threads: int,
    device: TorchDevice,
    start: Start | None,
) -> Job:
    return Job(
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
        device=device,
        start=start,
        import_paths=(str(Path.cwd()),),
    )


def _usual_folder(model: str) -> Path:
    return Path("runs") / "train" / model.replace(":", "-").replace("/", "-")


def _recipe(epochs: int, batch_size: int, data_share: float, augment: Sequence[str]) -> Recipe:
    chosen = from_plain(tuple[Augmentation, ...], list(augment), "augment")
    require_torchvision(chosen)
    return Recipe(
        epochs=epochs,
        batch_size=batch_size,
        data_share=data_share,
        augment=chosen,
        ema_decay=0.99,
    )


def _costs(model: str, source: Source) -> tuple[int, int]:
    """Count parameters and MACs, or raise `InputError` if the network cannot take the images."""
    try:
        costs = profile(trace(build_source(source), source.input_shape))
    except InputError as error:
        if error.place != "model":
            raise
        problem = f"{error.problem}; another --image-size may suit it"
        raise InputError(model, problem) from None
    return costs.params, costs.macs


def _device(word: str) -> TorchDevice:
    for known in get_args(TorchDevice):
        if known == word:
            return known  # type: ignore[no-any-return]
    raise unknown("device", "device", word, get_args(TorchDevice))


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(str(folder), f"cannot create this folder ({error.strerror})") from None
    return folder
