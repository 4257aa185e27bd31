r"""What a worker more costs in memory: the images are mapped, never copied.

    python -m experiments.benchmarks.worker_memory --data CIFAR10_FOLDER --workers 2

Each worker is a process that trains the same small network for an epoch on all images of the folder
and says what it holds then (Linux, /proc/self/smaps_rollup): `private` is its own, `shared` is held
by others too, the mapped images among it. The same on the embedded digits shows what a worker
costs without any data to speak of.
"""

import argparse
import multiprocessing
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gensynth.data.sets import DataSet, DataSettings, open_data
from gensynth.models import trainable_source
from gensynth.proxy import Job, Recipe, train

MODEL = "attendnext:tiny"
MB = 1e6


@dataclass(frozen=True)
class Held:
    """Resident memory of a process, in bytes."""

    private: int
    shared: int


def main() -> None:
    """Train on digits and on the folder, with one worker and with all, and print what they hold."""
    options = _options()
    folder = DataSettings(str(options.data.resolve()))
    size = bytes_of(open_data(folder))
    print(f"{options.data.name}: {size / MB:.0f} MB of images")
    print("| data | workers | private MB of each | shared MB of each |")
    print("|---|---|---|---|")
    for name, settings in (("digits", DataSettings()), (options.data.name, folder)):
        for count in sorted({1, options.workers}):
            held = at_once(settings, count)
            private = ", ".join(f"{h.private / MB:.0f}" for h in held)
            shared = ", ".join(f"{h.shared / MB:.0f}" for h in held)
            print(f"| {name} | {count} | {private} | {shared} |", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


def bytes_of(data: DataSet) -> int:
    """Give the size of all images, decoded."""
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
        job = Job(
            number=0,
            purpose="search",
            source=trainable_source(MODEL, data.task),
            data=settings,
            data_fingerprint=data.fingerprint,
            recipe=Recipe(epochs=1, batch_size=256),
            training_seed=0,
            folder=folder,
            device="cpu",
        )
        for _ in train(job):
            barrier.wait()  # type: ignore[attr-defined]
            answers.put(held())  # type: ignore[attr-defined]
            barrier.wait()  # type: ignore[attr-defined]


def held() -> Held:
    """Read what this process holds."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split(":")[0]: 1024 * int(line.split()[1]) for line in lines}
    private = sizes["Private_Clean"] + sizes["Private_Dirty"]
    return Held(private, sizes["Shared_Clean"] + sizes["Shared_Dirty"])


if __name__ == "__main__":
    main()
