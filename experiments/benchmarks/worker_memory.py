r"""Memory of an additional worker: the images are mapped, never copied.

    python -m experiments.benchmarks.worker_memory --data CIFAR10_FOLDER --workers 2

Each worker is a process that trains the same small network for an epoch on all images of the folder
and then reads its memory (Linux, /proc/self/smaps_rollup). `own` is its private memory, which would
include copies of images; `mapped` is files shared by all workers: libraries and the images. The
same on a few images of each class shows the cost of a worker almost without data.
"""

import argparse
import multiprocessing
import tempfile
from dataclasses import dataclass
from pathlib import Path

from experiments.benchmarks.command_line import parser_for
from experiments.benchmarks.proxy_task import training
from experiments.benchmarks.tables import heading, markdown
from gensynth.data.open import open_data
from gensynth.data.sets import DataSet, DataSettings
from gensynth.models.by_name import trainable_source
from gensynth.training.job import Recipe
from gensynth.training.loop import train

MODEL = "attendnext:tiny"
MB = 1e6
FEW = 600
"""Images of each class and split: enough for full batches."""


@dataclass(frozen=True)
class Held:
    """Resident memory of a process, in bytes."""

    own: int
    mapped: int


def main() -> None:
    """Train on a few images and on all, with one and several workers; print their memory."""
    options = _options()
    heads = ["images", "MB decoded", "workers", "own MB of each", "mapped MB of each"]
    print(*heading(heads), sep="\n")
    with tempfile.TemporaryDirectory() as place:
        few = _few(options.data, Path(place))
        for name, folder in (("few", few), ("all", options.data)):
            settings = DataSettings(str(folder.resolve()))
            size = bytes_of(open_data(settings)) / MB
            for count in sorted({1, options.workers}):
                held = at_once(settings, count)
                own = ", ".join(f"{h.own / MB:.0f}" for h in held)
                mapped = ", ".join(f"{h.mapped / MB:.0f}" for h in held)
                print(markdown([name, f"{size:.0f}", f"{count}", own, mapped]), flush=True)


def _few(folder: Path, place: Path) -> Path:
    """Create a folder of the same classes with few images each."""
    for split in ("train", "test"):
        for images in sorted((folder / split).iterdir()):
            made = place / split / images.name
            made.mkdir(parents=True)
            for image in sorted(images.iterdir())[:FEW]:
                (made / image.name).symlink_to(image.resolve())
    return place


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


def bytes_of(data: DataSet) -> int:
    """Return the size of all decoded images in bytes."""
    return sum(split.images.nbytes for split in data.splits.values())


def at_once(settings: DataSettings, count: int) -> list[Held]:
    """Train in `count` processes that all still hold their data when the last one is measured."""
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(count), context.Queue()
    workers = [
        context.Process(target=_work, args=(settings, barrier, answers)) for _ in range(count)
    ]
    for worker in workers:
        worker.start()
    held = [answers.get() for _ in workers]
    for worker in workers:
        worker.join()
    return held


def _work(settings: DataSettings, barrier: object, answers: object) -> None:
    data = open_data(settings)
    with tempfile.TemporaryDirectory() as folder:
        source, recipe = trainable_source(MODEL, data.task), Recipe(epochs=1, batch_size=256)
        for _ in train(training(source, settings, data, recipe, Path(folder))):
            barrier.wait()  # type: ignore[attr-defined]
            answers.put(held())  # type: ignore[attr-defined]
            barrier.wait()  # type: ignore[attr-defined]


def held() -> Held:
    """Return the resident memory of this process."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split(":")[0]: 1024 * int(line.split()[1]) for line in lines}
    return Held(sizes["Anonymous"], sizes["Rss"] - sizes["Anonymous"])


if __name__ == "__main__":
    main()
