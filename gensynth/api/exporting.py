"""Exports: the winner of a campaign, a candidate, a preset or a genome as a folder of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.api.experiments import data_path
from gensynth.api.shorthands import COSTS, read_shorthands
from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.campaign_folder import known_experiment, viewing
from gensynth.campaign.experiment import EXPERIMENT
from gensynth.data.open import open_data
from gensynth.data.sets import DataSettings
from gensynth.errors import InputError, nearest
from gensynth.evaluation.outcome import Outcome
from gensynth.exports.agreement import Agreement
from gensynth.exports.campaign_networks import (
    candidate,
    candidate_of,
    publish_candidate,
    train_candidate,
    weights_of,
)
from gensynth.exports.hub_files import opened_for, read_images
from gensynth.exports.publish import publish, publish_untrained
from gensynth.exports.reexport import publish_again
from gensynth.formats import Format, NeedsEnvironment, find_format
from gensynth.formats import formats as named_formats
from gensynth.formats.real_inputs import RealInputs, noise, of_data
from gensynth.models.by_name import IMAGENET, trainable
from gensynth.models.exported import export_in, input_shape
from gensynth.models.opened_export import open_export
from gensynth.plugins import trusted, trusting
from gensynth.report.front import best_within, front_members
from gensynth.space import Task
from gensynth.training.long_training import OnMeasurement
from gensynth.training.report import read_report

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Exported:
    """A folder that holds a network, and how its formats compare with the network searched.

    >>> import gensynth, torch
    >>> exported = gensynth.load("runs/mine").export("winner")
    >>> exported.agrees, exported.network()(torch.zeros(2, 1, 8, 8)).shape
    (True, torch.Size([2, 10]))
    """

    folder: Path
    agreements: Sequence[Agreement] = ()
    """One for each format other than the PyTorch file."""
    input_shape: tuple[int, int, int] | None = None
    """(C, H, W) of the images that it takes, if its weights are fresh; None: it was trained."""
    origin: str = ""
    """How a candidate of a campaign was trained that left with its own weights; empty: others."""

    @property
    def agrees(self) -> bool:
        """Whether every format gives the outputs of the PyTorch file; others were removed."""
        return all(agreement.agrees for agreement in self.agreements)

    def network(self) -> "nn.Module":
        """Return the exported network as a `torch.nn.Module` in eval mode."""
        return open_export(self.folder, trust=True)


def export(
    source: str | Path,
    to: str | Path,
    formats: Sequence[str] = ("torch",),
    *,
    data: str | None = None,
    image_size: int | None = None,
    channels: int | None = None,
    classes: int | None = None,
    train: bool = False,
    watch: OnMeasurement | None = None,
    trust: bool = False,
    **limits: float | str | None,
) -> Exported:
    """Write a network to a new folder of its own, and in other formats on request.

    Args:
        source: a campaign's folder `DIR` (its winner), `DIR:ID` (a candidate or reference, by
            number or genome), an exported folder, that of `train`, `SPACE:PRESET`, a genome file,
            `timm:NAME` or `module:factory`. All trained networks leave with their own weights,
            the others and candidates whose weights were not kept with fresh ones.
        to: the folder to write.
        formats: any of `torch`, `onnx`, `pt2`, `int8`, `executorch`, `tflite`, `tflite-int8`,
            `c`.
        data: images to compare formats on; by default those that it was trained on, else noise.
        image_size: height and width in pixels that a preset or a genome is built for; default 224.
        channels: channels of their input, 3 by default.
        classes: their number of classes, 1000 by default.
        train: train a candidate without weights first, as `[last_training]` says.
        watch: called with the learning rate and each measurement of that training.
        trust: run code that a folder brings or names, even if somebody else has made it.
        limits: `max_params`, `max_macs`, `max_weight_bytes`, `max_peak_activation_bytes`: of a
            campaign `DIR`, the most accurate member of its front within them is written.

    Raises:
        InputError: `source` names nothing that can be exported, or `to` exists.
        ExportError: the folder's network computes something else; nothing is left behind.

    >>> import gensynth
    >>> exported = gensynth.export("attendnext:tiny", "tiny", image_size=32, classes=10)
    >>> sorted(file.name for file in exported.folder.glob("*.py"))
    ['attendnext.py', 'predict.py', 'timm_model.py']
    """
    with trusting(trust):
        if any(limit is not None for limit in limits.values()):
            source = _within(Path(source), limits)
        return _exported(
            str(source), Path(to), formats, data, (image_size, channels, classes), train, watch
        )


def setup_format(name: str, say: Callable[[str], None] = print, python: str | None = None) -> None:
    """Prepare a format of export, and try it; again, only try it.

    Args:
        name: an installed format, or `module:class`.
        say: called with each line of progress.
        python: the interpreter of an environment that has its packages already.

    Raises:
        InputError: there is no such format, it needs no setup, or a package cannot be installed.

    >>> import gensynth
    >>> gensynth.setup_format("pt2")
    Traceback (most recent call last):
    gensynth.errors.InputError: pt2: needs no setup
    """
    found = find_format(name, Path.cwd())
    if not isinstance(found, NeedsEnvironment):
        raise InputError(name, "needs no setup")
    found.set_up(say, python)


def _exported(
    source: str,
    to: Path,
    formats: Sequence[str],
    data: str | None,
    shape: tuple[int | None, int | None, int | None],
    train: bool,
    watch: OnMeasurement | None,
) -> Exported:
    image_size, channels, classes = shape
    wanted = named_formats(list(formats), Path.cwd())
    if to.exists():
        raise InputError("to", f"{to} exists already; name another folder")
    folder, identity = candidate_of(source)
    winner = (Path(source) / EXPERIMENT).is_file()
    given = any(value is not None for value in (image_size, channels, classes))
    exported = None if winner else export_in(Path(source))
    if given and exported is not None:
        raise InputError("--image-size, --channels, --classes", "an export has its own")
    if train and not identity:
        raise InputError("--train", "is for a candidate of a campaign, DIR:ID")
    if exported is not None:
        inputs = _inputs_of_export(exported, data, wanted)
        return Exported(to, publish_again(exported, to, wanted, inputs))
    if not winner and not identity:
        size = image_size or IMAGENET.height
        task = Task(channels or IMAGENET.channels, size, size, classes or IMAGENET.classes)
        return _untrained(source, to, wanted, data, task)
    if data is not None:
        raise InputError("data", "a campaign has its own data")
    if given:
        problem = "a campaign's networks are built for its own images"
        raise InputError("--image-size, --channels, --classes", problem)
    machine = viewing(Path(source if winner else folder), same_images=True, trust=trusted())
    machine.require_code()
    if winner:
        return export_winner(machine, to, formats)
    return export_candidate(machine, identity, to, formats, source, train, watch)


def _within(folder: Path, limits: Mapping[str, float | str | None]) -> str:
    """Return the member of a campaign's front within limits, as `DIR:ID`."""
    if not (folder / EXPERIMENT).is_file():
        raise InputError(str(folder), "limits choose among the networks of a campaign, DIR")
    machine = viewing(folder, trust=trusted())
    machine.require_code()
    return f"{folder}:{member_within(machine, limits)}"


def member_within(machine: CampaignDriver, limits: Mapping[str, float | str | None]) -> str:
    """Return the number of the most accurate member of a campaign's front within limits."""
    for name in limits:
        if name not in COSTS:
            raise InputError(name, f"unknown limit{nearest(name, COSTS)}")
    asked = read_shorthands(limits)
    members = front_members(machine)
    found = best_within(members, {COSTS[name]: limit for name, limit in asked.items()})
    if found is not None:
        return str(found.outcome.number)
    words = ", ".join(f"{name} = {limit:,}" for name, limit in asked.items())
    problem = f"no network of the front keeps {words}; `gensynth generate` finds further ones"
    raise InputError(str(machine.folder), problem)


def export_winner(machine: CampaignDriver, to: Path, formats: Sequence[str]) -> Exported:
    """Export the winner of a campaign."""
    published = publish(machine, to, named_formats(list(formats), Path.cwd()))
    if published is None:
        problem = "the campaign has no winner yet; export DIR:ID instead"
        raise InputError(str(machine.folder), problem)
    return Exported(to, published.agreements)


def export_candidate(
    machine: CampaignDriver,
    identity: str,
    to: Path,
    formats: Sequence[str],
    place: str = "candidate",
    train: bool = False,
    watch: OnMeasurement | None = None,
) -> Exported:
    """Export a candidate of a campaign, found by its number or its genome."""
    outcome, wanted = _recorded(machine, identity, place), named_formats(list(formats), Path.cwd())
    weights = weights_of(machine, outcome)
    if weights is None and train:
        weights = train_candidate(machine, outcome, watch)
    if weights is not None:
        agreements = publish_candidate(machine, outcome, weights, to, wanted)
        return Exported(to, agreements, origin=weights.origin)
    found, settings = candidate(machine, outcome), machine.context.experiment.data
    shape, name = found.source.input_shape, Path(settings.path).name
    images = machine.context.data_at(shape[1:])
    inputs = of_data(images, name, "validation", shape[1:], trained=False)
    return Exported(to, publish_untrained(found, to, wanted, inputs), shape)


def _recorded(machine: CampaignDriver, identity: str, place: str) -> Outcome:
    for outcome in machine.outcomes:
        if identity in (str(outcome.number), outcome.genome_id) and outcome.fingerprint:
            return outcome
    raise InputError(place, f"the campaign has no candidate {identity!r}; `show` lists them")


def _untrained(
    source: str, to: Path, wanted: Sequence[Format], data: str | None, task: Task
) -> Exported:
    found = trainable(source, task)
    shape = found.source.input_shape
    return Exported(to, publish_untrained(found, to, wanted, _inputs(data, shape)), shape)


def _inputs_of_export(folder: Path, data: str | None, wanted: Sequence[Format]) -> RealInputs:
    """Return images as an exported network takes them: of `data`, or those it was trained on."""
    known, shape = read_images(folder), input_shape(folder)
    if shape is None:
        raise InputError(str(folder), "does not say what images it takes: INPUT_SHAPE is missing")
    settings = _settings_of(folder.parent) if data is None else DataSettings(data_path(data))
    if settings is None:
        if measured := [each.name for each in wanted if each.tolerance is None]:
            problem = f"{', '.join(measured)} is fitted to real images: add --data FOLDER"
            raise InputError("data", problem)
        return noise(shape)
    images = opened_for(known, settings, shape)
    if images.task.channels != shape[0]:
        found = images.task.channels
        raise InputError("data", f"has {found} channels, but the network takes {shape[0]}")
    same = known is not None and tuple(known.class_names) == images.class_names
    return of_data(images, Path(settings.path).name, "test", shape[1:], trained=same)


def _settings_of(folder: Path) -> DataSettings | None:
    """Return the images of the campaign or the training in `folder`; None if it is neither."""
    if (folder / EXPERIMENT).is_file():
        return known_experiment(folder).data
    report = read_report(folder)
    return report.data if report is not None else None


def _inputs(data: str | None, shape: tuple[int, int, int]) -> RealInputs:
    """Return images of `data` of the shape that a network takes, or noise without data."""
    if data is None:
        return noise(shape)
    channels = shape[0]
    if channels not in (1, 3):
        raise InputError("data", f"has 1 or 3 channels, but the network takes {channels}")
    path = data_path(data)
    settings = DataSettings(path=path, channels=channels)  # type: ignore[arg-type]
    images = open_data(settings, size=shape[1:])
    if images.task.channels != channels:
        found = images.task.channels
        raise InputError("data", f"has {found} channels, but the network takes {channels}")
    return of_data(images, Path(path).name, "validation", shape[1:], trained=False)
