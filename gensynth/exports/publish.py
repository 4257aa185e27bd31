"""Publish a network as a standalone folder: a campaign's winner, a trained or a fresh network."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.campaign.finals import Finalist, winner
from gensynth.exports.agreement import Agreement, Extras
from gensynth.exports.cards import campaign_card, trained_card, untrained_card
from gensynth.exports.export_folder import write_folder
from gensynth.exports.hub_files import Images
from gensynth.exports.verified_top1 import tested
from gensynth.formats import Format
from gensynth.formats.real_inputs import RealInputs, of_data
from gensynth.genome import to_json
from gensynth.models.exported import read_weights
from gensynth.space import build_source
from gensynth.training.job import WEIGHTS

if TYPE_CHECKING:
    from gensynth.campaign.campaign import CampaignDriver
    from gensynth.data.sets import DataSet
    from gensynth.evaluation.outcome import Outcome
    from gensynth.models.by_name import Sourced
    from gensynth.training.job import Job
    from gensynth.training.report import Report

STATISTICS = 64
"""Images from which fresh batch normalisations get their running statistics."""


@dataclass(frozen=True)
class Published:
    """The exported winner of a campaign."""

    folder: Path
    finalist: Finalist
    outcome: "Outcome"
    """Its last training, on train and validation, with the test top-1."""
    agreements: Sequence[Agreement] = ()
    """How the formats other than the PyTorch file agree with the searched network."""


def publish(
    campaign: "CampaignDriver", best: Path, formats: Sequence[Format] = ()
) -> Published | None:
    """Export the winner of a campaign to the folder `best`, and replace an earlier export.

    Args:
        campaign: the campaign.
        best: the folder.
        formats: compared on test images, which only this network is ever shown.

    Returns:
        The export, or None if the campaign has no winner.

    Raises:
        InputError: the folder cannot be written, or is not an earlier export.
        ExportError: the written network differs from the searched one.
    """
    finalist, outcome = winner(campaign.finalists()), campaign.exported()
    if finalist is None or outcome is None:
        return None
    context = campaign.context
    described, space = campaign.evaluator.described(outcome.decisions), context.experiment.space.use
    size = described.source.input_shape[1:]
    data, settings = context.data_at(size), context.experiment.data
    card = partial(campaign_card, campaign, finalist, outcome)
    name = Path(settings.path).name
    check = write_folder(
        best,
        file_name(space),
        described.source,
        read_weights(campaign.folder_of(outcome) / WEIGHTS, _again(campaign, outcome)),
        to_json(described.genome, space, context.space.version),
        replace=True,
        extras=Extras(formats, of_data(data, name, "test", size, True)) if formats else None,
        images=Images(data.preprocessing(size), data.class_names),
        tested=tested(settings, data, size, outcome.curve[-1].test_top1 or 0.0, card),
    )
    return Published(best, finalist, outcome, check.agreements)


def publish_trained(sourced: "Sourced", job: "Job", data: "DataSet", report: "Report") -> Path:
    """Export the network that `job` has trained; return the folder, next to its weights.

    Raises:
        InputError: the folder cannot be written.
        ExportError: the written network differs from the trained one.
    """
    trained, folder = Path(job.folder), Path(job.folder) / "network"
    if job.start is not None:
        data = replace(data, mean=job.start.mean, std=job.start.std)
    size, card = sourced.source.input_shape[1:], partial(trained_card, job, data, report)
    write_folder(
        folder,
        file_name(sourced.space),
        sourced.source,
        read_weights(trained / WEIGHTS),
        sourced.genome_json,
        replace=True,
        images=Images(data.preprocessing(size), data.class_names),
        tested=tested(job.data, data, size, report.test_top1, card),
    )
    return folder


def publish_untrained(
    sourced: "Sourced", folder: Path, formats: Sequence[Format], inputs: RealInputs
) -> Sequence[Agreement]:
    """Export a network with fresh weights; its card says that it was not trained.

    Its batch normalisations get the running statistics of calibration images, since fresh ones
    would hide how a format treats them.

    Args:
        sourced: the genome.
        folder: the folder to write; it must not exist.
        formats: the other formats to write.
        inputs: the images on which `formats` are compared.

    Raises:
        InputError: the folder exists or cannot be written.
        ExportError: the written network differs from the built one.
    """
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        network = build_source(sourced.source).train()
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.momentum = None  # Take the statistics of this batch alone.
        network(inputs.calibration[:STATISTICS])
    card = untrained_card(sourced, inputs)
    name, weights = file_name(sourced.space), network.state_dict()
    check = write_folder(
        folder,
        name,
        sourced.source,
        weights,
        sourced.genome_json,
        card,
        extras=Extras(formats, inputs),
    )
    return check.agreements


def file_name(space: str) -> str:
    """Return the name of an export's file and factory, which is that of its space or network."""
    return (space.partition(":")[2] or space).lower()


def _again(campaign: "CampaignDriver", outcome: "Outcome") -> str:
    place = f"{campaign.folder}:{outcome.number}"
    return f"gensynth export {place} --to FOLDER --train trains the network again"
