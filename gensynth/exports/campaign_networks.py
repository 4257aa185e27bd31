"""Publish any trained network of a campaign: a finalist, a candidate of the search, a reference.

Weights that the campaign has kept leave as they are. Without such weights a candidate is trained
once more, if that is asked for, as `[last_training]` says: in the folder `trained` of the campaign.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.campaign.experiment import EXPERIMENT
from gensynth.exports.agreement import Agreement, Extras
from gensynth.exports.cards import TRAINED, Weights, candidate_card
from gensynth.exports.export_folder import write_folder
from gensynth.exports.hub_files import Images
from gensynth.exports.publish import file_name
from gensynth.exports.verified_top1 import tested
from gensynth.formats import Format
from gensynth.formats.real_inputs import of_data
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from gensynth.models.by_name import Sourced, identifier, sourced
from gensynth.models.exported import read_weights
from gensynth.space import build_source
from gensynth.training.job import WEIGHTS
from gensynth.training.report import Report, read_report, trained

if TYPE_CHECKING:
    from gensynth.campaign.campaign import CampaignDriver
    from gensynth.evaluation.outcome import Outcome
    from gensynth.training.long_training import OnMeasurement

ORDER = ("export", "final", "reference", "search")
"""Whose weights are preferred, by the purpose of their training."""


def candidate_of(text: str) -> tuple[str, str]:
    """Split `DIR:ID` after the folder of a campaign; an ID may have colons, as `timm:NAME` has.

    The ID is empty if `text` does not begin with the folder of a campaign.
    """
    parts = text.split(":")
    heads = (":".join(parts[:count]) for count in range(1, len(parts)))
    folder = next((head for head in heads if (Path(head) / EXPERIMENT).is_file()), text)
    return folder, text[len(folder) + 1 :]


def candidate(campaign: "CampaignDriver", outcome: "Outcome") -> Sourced:
    """Return the network of a recorded candidate or reference, ready to be built."""
    context = campaign.context
    if outcome.purpose == "reference":
        return Sourced(identifier(outcome.genome_id), context.references[outcome.genome_id])
    genome = campaign.evaluator.described(outcome.decisions).genome
    return sourced(context.space, context.experiment.space.use, genome, context.task)


def weights_of(campaign: "CampaignDriver", outcome: "Outcome") -> Weights | None:
    """Return the weights of a candidate that its campaign has kept, or None if there are none.

    Of several trainings of the same network the last training counts, then the finals, where the
    best of validation is taken, then the search.
    """
    folder = _trained_folder(campaign, outcome)
    report = read_report(folder)
    if report is not None and (folder / WEIGHTS).is_file():
        return _trained_later(folder, report)
    rows = [o for o in campaign.outcomes if o.genome_id == outcome.genome_id]
    rows = [o for o in rows if o.ending == "completed" and _file(campaign, o).is_file()]
    if not rows:
        return None
    best = min(rows, key=lambda o: (ORDER.index(o.purpose), -(o.top1 or 0.0), o.number))
    last, words = best.curve[-1], _WORDS[best.purpose]
    origin = f"{words}, {len(best.curve)} epochs, seed {best.training_seed}"
    top1 = None if best.purpose == "export" else last.top1
    return Weights(_file(campaign, best), origin, top1, last.test_top1)


_WORDS = {
    "export": "the last training of the campaign, on train and validation together",
    "final": "the training of the finals that was best in validation",
    "reference": "the short training of a reference",
    "search": "the short training of the search",
}


def train_candidate(
    campaign: "CampaignDriver", outcome: "Outcome", watch: "OnMeasurement | None" = None
) -> Weights:
    """Train a candidate as `[last_training]` says, and measure it once on the test split.

    An interrupted training resumes with the next call, and a finished one is not repeated.

    Raises:
        InputError: another process trains it.
        Diverged: its loss is not finite any more.
    """
    found, folder = candidate(campaign, outcome), _trained_folder(campaign, outcome)
    folder.mkdir(parents=True, exist_ok=True)
    job = campaign.context.job(outcome.number, "export", found.source, folder)
    costs = profile(trace(build_source(found.source), found.source.input_shape))
    name = f"{campaign.folder}:{outcome.number}"
    figures, images = (costs.params, costs.macs), campaign.context.test_images
    report = trained(name, job, figures, images, [job.recipe.learning_rate], watch)
    return _trained_later(folder, report)


def publish_candidate(
    campaign: "CampaignDriver",
    outcome: "Outcome",
    weights: Weights,
    folder: Path,
    formats: Sequence[Format] = (),
) -> Sequence[Agreement]:
    """Export a candidate with its own weights to a new folder.

    Images of the test split are looked at only if its training measured them.

    Raises:
        InputError: the folder exists or cannot be written.
        ExportError: the written network differs from the trained one.
    """
    found, context = candidate(campaign, outcome), campaign.context
    size, settings = found.source.input_shape[1:], context.experiment.data
    data, name = context.data_at(size), Path(settings.path).name
    card, top1 = partial(candidate_card, campaign, outcome, found, weights), weights.test_top1
    split = "validation" if top1 is None else "test"
    check = write_folder(
        folder,
        file_name(found.space),
        found.source,
        read_weights(weights.file, "--train trains the network again"),
        found.genome_json,
        card(None),
        extras=Extras(formats, of_data(data, name, split, size, True)) if formats else None,
        images=Images(data.preprocessing(size), data.class_names),
        tested=None if top1 is None else tested(settings, data, size, top1, card),
    )
    return check.agreements


def _trained_folder(campaign: "CampaignDriver", outcome: "Outcome") -> Path:
    return campaign.folder / TRAINED / str(outcome.number)


def _trained_later(folder: Path, report: Report) -> Weights:
    origin = f"a training of its own on train and validation together, {report.epochs} epochs"
    return Weights(folder / WEIGHTS, origin, None, report.test_top1)


def _file(campaign: "CampaignDriver", outcome: "Outcome") -> Path:
    return campaign.folder_of(outcome) / WEIGHTS
