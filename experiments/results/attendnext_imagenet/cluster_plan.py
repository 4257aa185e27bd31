r"""Hours and cost of a campaign on a cluster, from measured throughput.

    python -m experiments.results.attendnext_imagenet.cluster_plan \
        experiments/attendnext_imagenet.toml \
        --data SMALL_FOLDER_IN_THE_SAME_LAYOUT --train-images 1281167 --validation-images 50000 \
        --gpus 4,8,32 --price 2.5

Trains some random candidates that keep the constraints known before training, and the references,
for a few batches each, alone on this machine's device with the threads of a training. The time of
the campaign follows from its settings: trainings, epochs, shares of the images, finals and the last
training. Early stopping is ignored, so the true time is less. `--slowdown` is the factor by which
an image takes longer if `gpus_per_trial` lets several candidates share a GPU; measure it on yours
(1 would mean that a share of a GPU is as fast as the whole).
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from experiments.benchmarks.command_line import experiment_on, parser_for
from gensynth.campaign.context import Context, make_context
from gensynth.campaign.experiment import Experiment
from gensynth.feasibility.plan import paces_of, spread_over_macs
from gensynth.feasibility.sample import sample
from gensynth.space import Source
from gensynth.training.torch_device import resolve
from gensynth.training.training_speed import Pace

TIMED = 6
"""Candidates, from few MACs to many."""
LOOK_S = 3.0
"""Seconds of training, and half as many of validation, for each candidate."""


@dataclass(frozen=True)
class Images:
    """Number of images of the real data."""

    train: int
    validation: int


def main() -> None:
    """Measure, and print the plan."""
    options = _options()
    context = make_context(experiment_on(options.experiment, options.data))
    images = Images(options.train_images, options.validation_images)
    chosen = candidates(context, options.samples)
    paces = paces_of(context, chosen, LOOK_S)
    references = paces_of(context, list(context.references.values()), LOOK_S)
    rates = sorted(1 / one.train_s for one in paces)
    device = resolve(context.experiment.resources.device)
    print(f"on {device}: {rates[0]:.0f} to {rates[-1]:.0f} training images/s, candidates")
    spent = hours(context.experiment, images, paces, references)
    for name, value in spent.items():
        print(f"  {name}: {value * options.slowdown:.1f} device hours")
    last = spent.pop("last training")
    side_by_side = sum(spent.values()) * options.slowdown
    share = context.experiment.resources.gpus_per_trial or 1.0
    for gpus in options.gpus:
        took = side_by_side * share / gpus + last
        cost = took * gpus * options.price
        print(f"{gpus} GPUs: {took:.1f} hours, {cost:.0f} at {options.price} an hour")
    size = context.task.height * context.task.width * context.task.channels
    print(f"disk of a node: {(images.train + images.validation) * size / 1e9:.0f} GB")


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--train-images", type=int, required=True)
    parser.add_argument("--validation-images", type=int, required=True)
    parser.add_argument("--samples", type=int, default=300, help="number of random candidates")
    parser.add_argument("--slowdown", type=float, default=1.0)
    parser.add_argument("--gpus", type=lambda text: [int(n) for n in text.split(",")], default=[8])
    parser.add_argument("--price", type=float, default=2.5, help="price of one GPU hour")
    return parser.parse_args()


def candidates(context: Context, count: int) -> list[Source]:
    """Draw random candidates; choose from those that keep all constraints known before training."""
    evaluator, folder = context.evaluator, Path(context.experiment.folder)
    drawn = sample(evaluator, folder, count, context.experiment.seed).candidates
    passing = [one for one in drawn if one.open] or list(drawn)
    return [one.source for one in spread_over_macs(passing, TIMED)]


def hours(
    experiment: Experiment, images: Images, paces: Sequence[Pace], references: Sequence[Pace]
) -> dict[str, float]:
    """Return the device hours of each part, with every training run to its end."""
    proxy, finals, last = experiment.proxy, experiment.finals, experiment.last_training
    trained = images.train * proxy.data_share

    def proxies(some: Sequence[Pace]) -> float:
        """Sum the hours of one proxy training of each."""
        return sum(proxy.epochs * _epoch_s(one, trained, images.validation) for one in some) / 3600

    one = proxies(paces) / len(paces)
    final = one * finals.epochs_factor * finals.candidates * finals.replicas
    everything = (images.train + images.validation) * last.data_share
    longest = proxy.epochs * last.epochs_factor * fmean(p.train_s for p in paces) * everything
    return {
        "search": one * experiment.trials,
        "references": proxies(references),
        "finals": final,
        "last training": longest / 3600,
    }


def _epoch_s(one: Pace, train: float, validation: float) -> float:
    return one.train_s * train + one.validate_s * validation


if __name__ == "__main__":
    main()
