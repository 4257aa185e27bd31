"""Exports: the winner of a campaign, a candidate, a preset or a genome as a folder of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.api.experiments import data_path
from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.campaign_folder import viewing
from gensynth.campaign.experiment import EXPERIMENT
from gensynth.data.open import open_data
from gensynth.data.sets import DataSettings
from gensynth.errors import InputError
from gensynth.exports.agreement import Agreement
from gensynth.exports.publish import publish, publish_untrained
from gensynth.formats import Format
from gensynth.formats import formats as named_formats
from gensynth.formats.real_inputs import RealInputs, noise, of_data
from gensynth.models.by_name import IMAGENET, Sourced, find_genome, sourced
from gensynth.models.exported import load_folder
from gensynth.space import Task

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

    @property
    def agrees(self) -> bool:
        """Whether every format gives the outputs of the PyTorch file; others were removed."""
        return all(agreement.agrees for agreement in self.agreements)

    def network(self) -> "nn.Module":
        """Return the exported network as a `torch.nn.Module` in eval mode."""
        return load_folder(self.folder)


def export(
    source: str | Path,
    to: str | Path,
    formats: Sequence[str] = ("torch",),
    *,
    data: str | None = None,
    image_size: int | None = None,
    channels: int | None = None,
    classes: int | None = None,
) -> Exported:
    """Write a network to a new folder that needs only torch, and in other formats on request.

    Args:
        source: a campaign's folder `DIR` (its winner, trained), `DIR:ID` (a candidate, by number
            or genome), `SPACE:PRESET` or a genome file; all but the winner get fresh weights.
        to: the folder to write.
        formats: any of `torch`, `onnx`, `pt2`, `int8`, `executorch`.
        data: images to compare formats on; by default a campaign's own, else noise.
        image_size: height and width in pixels that a preset or a genome is built for; default 224.
        channels: channels of their input, 3 by default.
        classes: their number of classes, 1000 by default.

    Raises:
        InputError: `source` names nothing that can be exported, or `to` exists.
        ExportError: the folder's network computes something else; nothing is left behind.

    >>> import gensynth
    >>> exported = gensynth.export("attendnext:tiny", "tiny", image_size=32, classes=10)
    >>> sorted(file.name for file in exported.folder.glob("*.py"))
    ['attendnext.py', 'timm_model.py']
    """
    source, to = str(source), Path(to)
    wanted = named_formats(list(formats), Path.cwd())
    if to.exists():
        raise InputError("to", f"{to} exists already")
    folder, _, identity = source.rpartition(":")
    winner = (Path(source) / EXPERIMENT).is_file()
    if not winner and not (folder and (Path(folder) / EXPERIMENT).is_file()):
        size = image_size or IMAGENET.height
        task = Task(channels or IMAGENET.channels, size, size, classes or IMAGENET.classes)
        return _genome(source, to, wanted, data, task)
    if data is not None:
        raise InputError("data", "a campaign has its own data")
    if any(given is not None for given in (image_size, channels, classes)):
        problem = "a campaign's networks are built for its own images"
        raise InputError("--image-size, --channels, --classes", problem)
    machine = viewing(Path(source if winner else folder), same_images=True)
    if winner:
        return export_winner(machine, to, formats)
    return export_candidate(machine, identity, to, formats, source)


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
) -> Exported:
    """Export a candidate of a campaign, found by its number or its genome."""
    found = _found(machine, identity, place)
    settings = machine.context.experiment.data
    shape, name = found.source.input_shape, Path(settings.path).name
    images = machine.context.data_at(shape[1:])
    inputs = of_data(images, name, "validation", shape[1:], trained=False)
    wanted = named_formats(list(formats), Path.cwd())
    return Exported(to, publish_untrained(found, to, wanted, inputs), shape)


def _found(machine: CampaignDriver, identity: str, place: str) -> Sourced:
    context = machine.context
    for outcome in machine.outcomes:
        if identity in (str(outcome.number), outcome.genome_id) and outcome.fingerprint:
            genome = machine.evaluator.described(outcome.decisions).genome
            return sourced(context.space, context.experiment.space.use, genome, context.task)
    raise InputError(place, f"the campaign has no candidate {identity!r}; `show` lists them")


def _genome(
    source: str, to: Path, wanted: Sequence[Format], data: str | None, task: Task
) -> Exported:
    found = find_genome(source, task)
    shape = found.source.input_shape
    return Exported(to, publish_untrained(found, to, wanted, _inputs(data, shape)), shape)


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
