"""Which gate lets a double-condensing attention condenser learn within a short schedule?

    python -m experiments.benchmarks.attention_gates --data FOLDER
    python -m experiments.benchmarks.attention_gates --data digits --epochs 12

FOLDER contains `train/<class>/` and `test/<class>/`; 10,000 of its training images are used. Trains
the released block in all four stages with each gate and prints the validation top-1.
"""

import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.benchmarks.command_line import parser_for
from experiments.benchmarks.proxy_task import mid_size, subset, training
from experiments.benchmarks.tables import heading, markdown
from gensynth.data.open import open_data
from gensynth.data.sets import DataSettings
from gensynth.genome import Decision
from gensynth.space import Replay
from gensynth.training.job import Job, Recipe
from gensynth.training.loop import train
from search_spaces.attendnext import AttendNeXt

GATES = ("softmax", "softmax_c", "sigmoid")
RATES = (0.1, 0.4)


@dataclass(frozen=True)
class Bench:
    """The images, and the length and number of trainings."""

    data: DataSettings
    folder: Path
    """Of the trainings, and of decoded images."""
    epochs: int
    seeds: int


def network(gate: str) -> dict[str, Decision]:
    """Return four stages of 32, 64, 64, 128 channels and depths 1, 2, 2, 1 with released DC-ACs."""
    decisions = mid_size() | {"gate": gate}
    for i, width in enumerate((8, 16, 8, 16)):
        decisions |= {f"stage{i + 1}.attention": "released", f"stage{i + 1}.width": width}
    return decisions


def jobs(bench: Bench, gate: str, rate: float) -> Iterator[Job]:
    """Describe a training for each seed."""
    space, data = AttendNeXt(), open_data(bench.data, bench.folder / "cache")
    source = space.source(space.sample(Replay(network(gate))), data.task)
    for seed in range(bench.seeds):
        recipe = Recipe(epochs=bench.epochs, batch_size=128, learning_rate=rate)
        folder = bench.folder / f"{gate}-{rate}-{seed}"
        job = training(source, bench.data, data, recipe, folder, seed)
        yield replace(job, cache=str(bench.folder / "cache"))


def table(bench: Bench) -> Iterator[str]:
    """Train everything; yield a line of a Markdown table after each gate."""
    yield from heading(["gate", *(f"learning rate {rate}" for rate in RATES)])
    for gate in GATES:
        cells = []
        for rate in RATES:
            top1 = [list(train(job))[-1].top1 for job in jobs(bench, gate, rate)]
            cells.append(cell(top1))
        yield markdown([gate, *cells])


def run(table: Callable[[Bench], Iterator[str]], purpose: str | None, epochs: int) -> None:
    """Read the command line and print a table: means and ranges over the seeds, in percent."""
    parser = parser_for(purpose)
    parser.add_argument("--data", default="digits", help="digits or an image folder")
    parser.add_argument(
        "--images", type=int, default=10_000, help="training images to use of a folder"
    )
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        data = DataSettings(path=options.data)
        if options.data != "digits":
            subset(Path(options.data), Path(place), options.images)
            data = DataSettings(path=f"{place}/images")
        for line in table(Bench(data, Path(place), options.epochs, options.seeds)):
            print(line, flush=True)


def cell(percents: list[float]) -> str:
    """Format the mean and the range."""
    return f"{statistics.mean(percents):.1f} ({min(percents):.1f}-{max(percents):.1f})"


if __name__ == "__main__":
    run(table, __doc__, epochs=6)
