"""The end of a campaign: the winner leaves as a standalone folder, with a card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gensynth.campaign.campaign import Campaign
from gensynth.campaign.finals import Finalist, winner
from gensynth.data.open import open_data
from gensynth.evaluation.confidence import wilson_interval
from gensynth.evaluation.constraint import Judgement, broken
from gensynth.evaluation.latency import Latency
from gensynth.evaluation.outcome import Outcome
from gensynth.exports.agreement import Agreement
from gensynth.exports.card_lines import share_of, table_of, versions
from gensynth.exports.extras import Extras
from gensynth.exports.hub_files import Images
from gensynth.formats import Format
from gensynth.formats.real_inputs import RealInputs, of_data
from gensynth.genome import to_json
from gensynth.models.by_name import Sourced
from gensynth.space import Source, build_source
from gensynth.training.job import WEIGHTS

STATISTICS = 64
"""Images that give fresh batch normalisations their running statistics."""


@dataclass(frozen=True)
class Published:
    """The exported network: where it lies and what it is worth."""

    folder: Path
    finalist: Finalist
    outcome: Outcome
    """Of its last training, on train and validation, with the test top-1."""
    agreements: Sequence[Agreement] = ()
    """Of the formats beside the PyTorch file."""


def publish(campaign: Campaign, best: Path, formats: Sequence[Format] = ()) -> Published | None:
    """Export the winner to the folder `best`, checked against the searched network.

    Replaces an earlier export; None where the campaign has no winner. `formats` are compared on
    test images, which this network, and only this one, may be shown.
    """
    from safetensors.torch import load_file

    from gensynth.exports.folder import write

    finalist, outcome = winner(campaign.finalists()), campaign.exported()
    if finalist is None or outcome is None:
        return None
    context = campaign.context
    described = campaign.evaluator.described(outcome.decisions)
    weights = campaign.folder_of(outcome) / WEIGHTS
    extras = _extras(campaign, described.source, formats) if formats else None
    write(
        best,
        _file_name(context.experiment.space.use),
        described.source,
        load_file(weights),
        to_json(described.genome, context.experiment.space.use, context.space.version),
        card(campaign, finalist, outcome),
        replace=True,
        more=extras,
        images=Images(context.mean, context.std, context.class_names),
    )
    return Published(best, finalist, outcome, extras.agreements if extras else ())


def publish_untrained(
    sourced: Sourced, folder: Path, formats: Sequence[Format], inputs: RealInputs
) -> Sequence[Agreement]:
    """Export a network with fresh weights; its card says that nobody trained it.

    `formats` are compared on `inputs`. The running statistics of its batch normalisations are
    those of calibration images: fresh ones would hide how a format treats them.
    """
    import torch
    from torch import nn

    from gensynth.exports.folder import write
    from gensynth.exports.untrained_card import untrained_card

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        network = build_source(sourced.source).train()
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.momentum = None  # The statistics are those of the batch, not a tenth of it.
        network(inputs.calibration[:STATISTICS])
    text = untrained_card(sourced, network, inputs)
    extras, name = Extras(formats, inputs), _file_name(sourced.space)
    weights = network.state_dict()
    write(folder, name, sourced.source, weights, sourced.genome_json, text, more=extras)
    return extras.agreements


def _extras(campaign: Campaign, source: Source, formats: Sequence[Format]) -> Extras:
    data = open_data(campaign.context.experiment.data)
    name = Path(campaign.context.experiment.data.path).name
    return Extras(formats, of_data(data, name, "test", source.input_shape[1:], trained=True))


def _file_name(space: str) -> str:
    """Name the file and the factory of an export after its space."""
    return (space.partition(":")[2] or space).lower()


def facts_of_export(
    campaign: Campaign, finalist: Finalist, outcome: Outcome
) -> Mapping[str, object]:
    """Say in words what the exported network costs and reaches."""
    context, profile = campaign.context, outcome.profile
    experiment, measured = context.experiment, outcome.curve[-1]
    looks = sum(o.curve[-1].test_top1 is not None for o in campaign.outcomes if o.curve)
    facts: Mapping[str, object] = {
        "Genome": outcome.genome_id,
        "Parameters": f"{profile.params:,}" if profile else "",
        "MACs (conv + linear)": f"{profile.macs:,}" if profile else "",
        "Weight bytes (float32)": f"{profile.weight_bytes:,}" if profile else "",
        "Peak activation bytes": f"{profile.peak_activation_bytes:,}" if profile else "",
        "Validation top-1": f"{finalist.mean:.2f} % (mean of {len(finalist.replicas)} seeds)",
        "Validation top-1, lower bound": f"{finalist.bound:.2f} % "
        f"(one-sided, {experiment.finals.confidence:.0%} confidence)",
        "Test top-1": _test(measured.test_top1 or 0.0, context.test_images),
        "Test split looked at": f"{looks} time{'s' if looks != 1 else ''}",
        "Pursued value": f"{finalist.value:.2f} dB",
    }
    if missed := missed_on_test(campaign, finalist, outcome):
        facts = {**facts, "On the test split": missed}
    return {**facts, **{f"Latency ({q})": _latency(t) for q, t in outcome.latencies.items()}}


def missed_on_test(campaign: Campaign, finalist: Finalist, outcome: Outcome) -> str:
    """Say which enforced rules the exported network misses at its test top-1; empty where none."""
    test = outcome.curve[-1].test_top1
    missed = broken(campaign.verdicts_at(finalist.outcome, test)) if test is not None else ()
    if not missed:
        return ""
    reasons = "; ".join(f"{judgement.constraint}: {judgement.reason}" for judgement in missed)
    return f"misses what was kept in validation ({reasons}): too few images, or overfitted"


def card(campaign: Campaign, finalist: Finalist, outcome: Outcome) -> str:
    """Write the card of the exported network: numbers, data, recipe, versions, in Markdown."""
    experiment, facts = campaign.context.experiment, facts_of_export(campaign, finalist, outcome)
    lines = [f"# {experiment.name}: the network found", "", *table_of(facts)]
    lines += ["", "## Verdicts", "", "| constraint | mode | ok | why |", "|---|---|---|---|"]
    verdicts = campaign.verdicts_at(finalist.outcome, finalist.bound or 0.0)
    lines += [f"| {j.constraint} | {j.mode} | {_word(j)} | {j.reason} |" for j in verdicts]
    lines += ["", *_provenance(campaign, outcome)]
    return "\n".join(lines) + "\n"


def _test(top1: float, images: int) -> str:
    low, high = wilson_interval(top1, images)
    return f"{top1:.2f} % on {images:,} images (95 % interval {low:.2f} to {high:.2f} %)"


def _latency(latency: Latency) -> str:
    text = f"{latency.median_ms:.4g} ms ({latency.interval_ms.low:.4g} to "
    text += f"{latency.interval_ms.high:.4g})"
    if latency.ratio is not None and latency.ratio_interval is not None:
        low, high = latency.ratio_interval.low, latency.ratio_interval.high
        text += f", {latency.ratio:.3g} times the reference's ({low:.3g} to {high:.3g})"
    return f"{text}; {latency.machine}"


def _word(judgement: Judgement) -> str:
    return {True: "yes", False: "no", None: "not judged"}[judgement.ok]


def _provenance(campaign: Campaign, outcome: Outcome) -> list[str]:
    context, experiment = campaign.context, campaign.context.experiment
    task = context.task
    recipe, epochs, last = experiment.proxy, len(outcome.curve), experiment.last_training
    averaged = f", moving average of the weights {last.ema_decay}" if last.ema_decay else ""
    image = f"{task.channels} x {task.height} x {task.width}"
    mean, std = (", ".join(f"{x:.6f}" for x in xs) for xs in (context.mean, context.std))
    return [
        "## How it came about",
        "",
        f"- Data: {Path(experiment.data.path).name} ({image}, {task.classes} classes), "
        f"fingerprint {context.data_fingerprint}.",
        f"- Classes, in the order of the outputs: {', '.join(context.class_names)}.",
        "- Images of another size: cropped around the middle to this shape, and resized.",
        f"- Input: pixels scaled to 0..1, then (x - mean) / std for each channel; mean {mean}; "
        f"std {std}.",
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
