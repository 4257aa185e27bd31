"""What `gensynth train` leaves of one of our own networks: a standalone folder, with a card."""

from pathlib import Path

from gensynth.data.sets import DataSet
from gensynth.exports.card_lines import share_of, table_of, versions
from gensynth.exports.folder import write
from gensynth.exports.hub_files import Images
from gensynth.models.by_name import Sourced
from gensynth.training.job import WEIGHTS, Job
from gensynth.training.report import Report


def publish_trained(sourced: Sourced, job: Job, data: DataSet, report: Report) -> Path:
    """Export the network that `job` has trained, into a folder beside its weights."""
    from safetensors.torch import load_file

    trained, folder = Path(job.folder), Path(job.folder) / "network"
    write(
        folder,
        sourced.space.lower(),
        sourced.source,
        load_file(trained / WEIGHTS),
        sourced.genome_json,
        trained_card(job, data, report),
        replace=True,
        images=Images(data.mean, data.std, data.class_names),
    )
    return folder


def trained_card(job: Job, data: DataSet, report: Report) -> str:
    """Write the card, in Markdown."""
    recipe, (low, high) = job.recipe, report.test_interval
    mean, std = (", ".join(f"{x:.6f}" for x in xs) for xs in (data.mean, data.std))
    facts = {
        "Parameters": f"{report.params:,}",
        "MACs (conv + linear)": f"{report.macs:,}",
        "Input": f"(N, {', '.join(map(str, job.source.input_shape))}), float32",
        "Validation top-1": f"{report.validation_top1:.2f} %",
        "Test top-1": f"{report.test_top1:.2f} % (95 % interval {low:.2f} to {high:.2f} %)",
        "Data": f"{Path(job.data.path).name}, fingerprint {data.fingerprint}",
        "Classes, in the order of the outputs": ", ".join(data.class_names),
        "Pixels": f"scaled to 0..1, then (x - mean) / std; mean {mean}; std {std}",
        "Training": f"{recipe.epochs} epochs on {share_of(recipe.data_share)}the training images, "
        f"{recipe.optimizer}, learning rate {report.rate:g}, batch {recipe.batch_size}, "
        f"augmentation {', '.join(recipe.augment) or 'none'}, seed {job.training_seed}",
        "Versions": versions("gensynth", "torch"),
    }
    return "\n".join([f"# {report.model}, trained", "", *table_of(facts)]) + "\n"
