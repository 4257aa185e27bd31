"""What augmentations and balancing are worth to tiny networks: paired trainings, seed by seed.

    python -m experiments.benchmarks.augmentations CIFAR10 --seeds 5

`CIFAR10` is a folder with `train/<class>/...`. Each class gives its first files: some to train on,
the next to measure on. For the balancing, classes keep fewer and fewer of the former. Each row
differs from the first by one choice; differences are paired by seed, with a 95 % interval.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import torch

from experiments.benchmarks.command_line import parser_for
from gensynth.data.batches import Batches
from gensynth.data.open import open_data
from gensynth.data.sets import DataSettings
from gensynth.models.by_name import trainable_source
from gensynth.space import Source
from gensynth.training.group.training import GroupTraining
from gensynth.training.job import Job, Recipe
from gensynth.training.loop import Training, data_of
from gensynth.training.torch_device import keep_freed_memory, set_threads

RECIPE = Recipe(batch_size=64, learning_rate=0.2, augment=("crop", "flip"))
AUGMENTED: Mapping[str, Mapping[str, object]] = {
    "crop, flip": {},
    "crop, flip, colour": {"augment": ("crop", "flip", "colour")},
    "crop, flip, erase": {"augment": ("crop", "flip", "erase")},
    "crop, flip, colour, erase": {"augment": ("crop", "flip", "colour", "erase")},
}
BALANCED: Mapping[str, Mapping[str, object]] = {
    "none": {},
    "weights": {"balance": "weights"},
    "sampling": {"balance": "sampling"},
}


@dataclass(frozen=True)
class Reached:
    """What one training reached on the images that it was measured on, in percent."""

    top1: float
    """If classes occur there as often as in training."""
    balanced: float
    """Balanced accuracy."""


def main() -> None:
    """Print a table of the augmentations and one of the balancing for each network."""
    options = _options()
    set_threads(1)
    keep_freed_memory()
    with tempfile.TemporaryDirectory(prefix="gensynth-augmentations-") as scratch:
        even = linked(options.images, Path(scratch) / "even", options, 1.0)
        uneven = linked(options.images, Path(scratch) / "uneven", options, options.imbalance)
        for model in options.models:
            _table(model, "augment", even, AUGMENTED, options)
            _table(model, "balance", uneven, BALANCED, options)


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("--models", nargs="+", default=["attendnext:tiny"])
    parser.add_argument("--each", type=int, default=100, help="training images of a class")
    parser.add_argument("--measured", type=int, default=100, help="others, to measure on")
    parser.add_argument("--imbalance", type=float, default=10.0, help="largest class by smallest")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seeds", type=int, default=5)
    return parser.parse_args()


def linked(images: Path, folder: Path, options: argparse.Namespace, imbalance: float) -> Path:
    """Link the images to train and to measure on; the validation split, which is not, has two."""
    classes = sorted(path.name for path in (images / "train").iterdir() if path.is_dir())
    for place, name in enumerate(classes):
        files = sorted((images / "train" / name).iterdir())
        share = imbalance ** (-place / max(1, len(classes) - 1))
        parts = {
            "train": files[: max(2, round(options.each * share))],
            "val": files[-2:],
            "test": files[options.each : options.each + options.measured],
        }
        for split, chosen in parts.items():
            (folder / split / name).mkdir(parents=True)
            for file in chosen:
                os.symlink(file.resolve(), folder / split / name / file.name)
    return folder


def _table(
    model: str,
    what: str,
    folder: Path,
    rows: Mapping[str, Mapping[str, object]],
    options: argparse.Namespace,
) -> None:
    settings = DataSettings(str(folder))
    data = open_data(settings)
    source = trainable_source(model, data.task)
    counts = data.splits["train"].labels
    print(f"\n{model}, {len(counts):,} training images, {options.epochs} epochs\n")
    print(f"| `{what}` | top-1 | difference | balanced accuracy | difference |")
    print("|---|---|---|---|---|", flush=True)
    first: list[Reached] = []
    for name, changes in rows.items():
        recipe = replace(RECIPE, epochs=options.epochs, **changes)  # type: ignore[arg-type]
        found = list(trainings(source, settings, data.fingerprint, recipe, options.seeds))
        first = first or found
        print(f"| {name} | {' | '.join(cells(found, first))} |", flush=True)


def trainings(
    source: Source, settings: DataSettings, fingerprint: str, recipe: Recipe, seeds: int
) -> Iterator[Reached]:
    """Train a network once for each seed, all in the same steps."""
    first = Job(0, "search", source, settings, fingerprint, recipe, 0, "", checkpoint_s=None)
    jobs = [replace(first, training_seed=seed) for seed in range(seeds)]
    data = data_of(first)
    lead = Training(first, data)
    group = GroupTraining([lead, *(Training(job, data, lead) for job in jobs[1:])])
    for epoch in range(1, recipe.epochs + 1):
        group.epoch(epoch)
    priors = torch.bincount(torch.from_numpy(data.splits["train"].labels)).double()
    measured = Batches(data, ("test",), source.input_shape[1:], lead.device, lead.layout)
    for training in group.members:
        confusion = training.confusion(measured).double()
        found = confusion.diagonal() / confusion.sum(1)
        yield Reached(100 * float(found @ priors / priors.sum()), 100 * float(found.mean()))


def cells(found: Sequence[Reached], first: Sequence[Reached]) -> list[str]:
    """Return means, and differences to the first row with their intervals."""
    words = []
    for kind in ("top1", "balanced"):
        ours, theirs = ([getattr(each, kind) for each in row] for row in (found, first))
        gaps = [mine - other for mine, other in zip(ours, theirs, strict=True)]
        words += [f"{fmean(ours):.2f} %", "" if found is first else interval(gaps)]
    return words


def interval(gaps: Sequence[float]) -> str:
    """Return the mean of paired differences and its 95 % interval, in points.

    >>> interval([1.0, 2.0, 3.0])
    '+2.00 (-0.48 to +4.48)'
    """
    from scipy.stats import sem, t

    middle = fmean(gaps)
    half = float(t.ppf(0.975, len(gaps) - 1) * sem(gaps))
    return f"{middle:+.2f} ({middle - half:+.2f} to {middle + half:+.2f})"


if __name__ == "__main__":
    main()
