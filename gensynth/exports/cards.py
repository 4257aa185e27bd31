"""The cards of exported networks, in Markdown: what a network is, costs and reaches."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.evaluation.constraint import broken
from gensynth.evaluation.score import unit_of, with_unit
from gensynth.exports.card_words import (
    evaluation_section,
    latency_words,
    percent,
    preprocessing_words,
    share_of,
    table_of,
    times,
    top1_words,
    versions,
)
from gensynth.genome import genome_id
from gensynth.graph.profile import Profile, profile
from gensynth.graph.trace import trace
from gensynth.space import build_source
from gensynth.tflm.footprint import footprint_words
from gensynth.training.report import REPORT

if TYPE_CHECKING:
    from gensynth.campaign.campaign import CampaignDriver
    from gensynth.campaign.finals import Finalist
    from gensynth.data.sets import DataSet
    from gensynth.evaluation.constraint import Judgement
    from gensynth.evaluation.outcome import Outcome
    from gensynth.formats.real_inputs import RealInputs
    from gensynth.graph.graph import Graph
    from gensynth.models.by_name import Sourced
    from gensynth.prediction.evaluation import Evaluation
    from gensynth.training.job import Job
    from gensynth.training.report import Report

TRAINED = "trained"
"""Folder in that of a campaign, with the trainings of candidates that were asked for later."""


@dataclass(frozen=True)
class Weights:
    """The weights of a candidate, and how it was trained to have them."""

    file: Path
    origin: str
    """How it was trained, in words."""
    validation_top1: float | None = None
    """Percent; None if it was trained on the validation split too."""
    test_top1: float | None = None
    """Percent; None if the test split was not measured."""


def untrained_card(sourced: "Sourced", inputs: "RealInputs") -> str:
    """Return the card of a network with fresh weights.

    Args:
        sourced: the genome.
        inputs: the images that its running statistics come from.
    """
    shape, costs = sourced.source.input_shape, profile(sourced.graph())
    text = sourced.genome_json
    classes = sourced.source.spec.get("classes")
    facts = {
        "Genome": genome_id(json.loads(text)["genome"]) if text else "",
        "Input": f"(N, {', '.join(map(str, shape))}), float32",
        "Classes": "" if classes is None else f"{classes:,}",
        **_costs(costs),
        **_footprint(sourced.graph()),
        "Versions": versions("gensynth", "torch"),
    }
    lines = [
        f"# {sourced.space}",
        "",
        "Fresh weights: this network was not trained.",
        "",
        "The running statistics of its batch normalisations come from "
        f"{inputs.calibration_origin}. Its training determines how images must be normalised.",
        "",
    ]
    return "\n".join([*lines, *table_of(facts)]) + "\n"


def trained_card(job: "Job", data: "DataSet", report: "Report", found: "Evaluation") -> str:
    """Return the card of a network that `gensynth train` has trained.

    Args:
        job: its training.
        data: the images as they were decoded for it.
        report: the figures of the training.
        found: the figures of the exported folder on the test images.
    """
    recipe = job.recipe
    facts = {
        "Parameters": f"{report.params:,}",
        "MACs (conv + linear)": f"{report.macs:,}",
        "Input": f"(N, {', '.join(map(str, job.source.input_shape))}), float32",
        "Validation top-1": percent(report.validation_top1),
        "Test top-1": top1_words(found.top1, found.images),
        "Data": f"{Path(job.data.path).name}, fingerprint {data.fingerprint}",
        "Classes, in the order of the outputs": ", ".join(data.class_names),
        "Preprocessing": preprocessing_words(data.preprocessing(job.source.input_shape[1:])),
        "Training": f"{recipe.epochs} epochs on {share_of(recipe.data_share)}the training images, "
        f"{recipe.optimizer}, learning rate {report.rate:g}, batch {recipe.batch_size}, "
        f"augmentation {', '.join(recipe.augment) or 'none'}, seed {job.training_seed}",
        "Versions": versions("gensynth", "torch"),
    }
    lines = [f"# {report.model}, trained", "", *table_of(facts), "", *evaluation_section(found)]
    return "\n".join(lines) + "\n"


def candidate_card(
    campaign: "CampaignDriver",
    outcome: "Outcome",
    sourced: "Sourced",
    weights: "Weights",
    found: "Evaluation | None",
) -> str:
    """Return the card of a candidate of a campaign that leaves with its own weights.

    Args:
        campaign: the campaign.
        outcome: the candidate's row.
        sourced: its network.
        weights: its weights.
        found: the figures of the exported folder on the test images, if these were looked at.
    """
    context, source = campaign.context, sourced.source
    costs = outcome.profile or profile(trace(build_source(source), source.input_shape))
    size, validation = source.input_shape[1:], weights.validation_top1
    facts = {
        "Genome" if sourced.genome_json else "Network": outcome.genome_id,
        "Input": f"(N, {', '.join(map(str, source.input_shape))}), float32",
        **_costs(costs),
        **_footprint(sourced.graph()),
        "Validation top-1": "" if validation is None else percent(validation),
        "Test top-1": "" if found is None else top1_words(found.top1, found.images),
        "Test split looked at": "" if found is None else times(_looks(campaign)),
        "Weights": f"from {weights.origin}",
        "Data": f"{Path(context.experiment.data.path).name}, fingerprint "
        f"{context.data_fingerprint}",
        "Classes, in the order of the outputs": ", ".join(context.class_names),
        "Preprocessing": preprocessing_words(context.data_at(size).preprocessing(size)),
        "Versions": versions("gensynth", "torch"),
    }
    title = f"# {context.experiment.name}: candidate {outcome.number}"
    lines = [title, "", *table_of(facts)]
    lines += ["", *_verdicts(outcome.judgements)] if outcome.judgements else []
    lines += ["", *evaluation_section(found)] if found is not None else []
    return "\n".join(lines) + "\n"


def campaign_card(
    campaign: "CampaignDriver", finalist: "Finalist", outcome: "Outcome", found: "Evaluation"
) -> str:
    """Return the card of the network that a campaign found.

    Args:
        campaign: the campaign.
        finalist: the winner.
        outcome: its last training, whose weights are exported.
        found: the figures of the exported folder on the test images.
    """
    experiment, facts = campaign.context.experiment, facts_of_export(campaign, finalist, outcome)
    facts = {**facts, "Test top-1": top1_words(found.top1, found.images)}
    lines = [f"# {experiment.name}: the network found", "", *table_of(facts)]
    lines += ["", *_verdicts(campaign.verdicts_at(finalist.outcome, finalist.bound or 0.0))]
    lines += ["", *evaluation_section(found), "", *_provenance(campaign, outcome)]
    return "\n".join(lines) + "\n"


def facts_of_export(
    campaign: "CampaignDriver", finalist: "Finalist", outcome: "Outcome"
) -> Mapping[str, object]:
    """Return what the exported network costs and reaches, in words, by the name of the fact."""
    context, costs = campaign.context, outcome.profile
    experiment, measured = context.experiment, outcome.curve[-1]
    facts: Mapping[str, object] = {
        "Genome": outcome.genome_id,
        **_costs(costs),
        **_footprint(campaign.evaluator.described(outcome.decisions).candidate.graph),
        "Validation top-1": f"{percent(finalist.mean)} (mean of {len(finalist.replicas)} seeds)",
        "Validation top-1, lower bound": f"{percent(finalist.bound)} "
        f"(one-sided, {experiment.finals.confidence:.0%} confidence)",
        "Test top-1": top1_words(measured.test_top1 or 0.0, context.test_images),
        "Test split looked at": times(_looks(campaign)),
        "Pursued value": with_unit(finalist.value or 0.0, unit_of(context.score)),
    }
    if missed := missed_on_test(campaign, finalist, outcome):
        facts = {**facts, "On the test split": missed}
    return {**facts, **{f"Latency ({q})": latency_words(t) for q, t in outcome.latencies.items()}}


def missed_on_test(campaign: "CampaignDriver", finalist: "Finalist", outcome: "Outcome") -> str:
    """Return which enforced constraints the network misses at its test top-1; empty if none."""
    test = outcome.curve[-1].test_top1
    missed = broken(campaign.verdicts_at(finalist.outcome, test)) if test is not None else ()
    if not missed:
        return ""
    reasons = "; ".join(f"{judgement.constraint}: {judgement.reason}" for judgement in missed)
    return f"misses what held in validation ({reasons}): too few images, or overfitting"


def _looks(campaign: "CampaignDriver") -> int:
    """Return how often networks of a campaign were measured on the test split."""
    later = len(list((campaign.folder / TRAINED).glob(f"*/{REPORT}")))
    return later + sum(o.curve[-1].test_top1 is not None for o in campaign.outcomes if o.curve)


def _costs(costs: "Profile | None") -> dict[str, str]:
    if costs is None:
        return {}
    return {
        "Parameters": f"{costs.params:,}",
        "MACs (conv + linear)": f"{costs.macs:,}",
        "Weight bytes (float32)": f"{costs.weight_bytes:,}",
        "Peak activation bytes": f"{costs.peak_activation_bytes:,}",
    }


def _footprint(graph: "Graph") -> dict[str, str]:
    return {"TensorFlow Lite Micro (predicted)": footprint_words(graph)}


def _verdicts(judgements: "Sequence[Judgement]") -> list[str]:
    lines = ["## Verdicts", "", "| constraint | mode | verdict | why |", "|---|---|---|---|"]
    return lines + [f"| {j.constraint} | {j.mode} | {j.word} | {j.reason} |" for j in judgements]


def _size_of(campaign: "CampaignDriver", outcome: "Outcome") -> tuple[int, int]:
    return campaign.evaluator.described(outcome.decisions).source.input_shape[1:]


def _provenance(campaign: "CampaignDriver", outcome: "Outcome") -> list[str]:
    context, experiment = campaign.context, campaign.context.experiment
    task, size = context.task, _size_of(campaign, outcome)
    data = context.data_at(size)
    recipe, epochs, last = experiment.proxy, len(outcome.curve), experiment.last_training
    averaged = f", moving average of the weights {last.ema_decay}" if last.ema_decay else ""
    image = f"{task.channels} x {task.height} x {task.width}"
    return [
        "## How it was found",
        "",
        f"- Data: {Path(experiment.data.path).name} ({image}, {task.classes} classes), "
        f"fingerprint {context.data_fingerprint}.",
        f"- Classes, in the order of the outputs: {', '.join(context.class_names)}.",
        f"- Preprocessing: {preprocessing_words(data.preprocessing(size))}.",
        *([f"- {context.left_out.split(';')[0]}."] if context.left_out else []),
        *([f"- {context.repeated}."] if context.repeated else []),
        f"- Search: generator {experiment.generator.use}, {experiment.trials} trainings of "
        f"{recipe.epochs} epochs on {share_of(recipe.data_share)}the training images, seed "
        f"{experiment.seed}.",
        f"- Last training: {epochs} epochs on {share_of(last.data_share)}train and validation "
        f"together, {recipe.optimizer}, learning rate {recipe.learning_rate}, batch "
        f"{recipe.batch_size}{averaged}; the test split was measured after it.",
        f"- Augmentation: {', '.join(recipe.augment) or 'none'}.",
        f"- Versions: {versions('gensynth', 'torch', 'optuna')}.",
    ]
