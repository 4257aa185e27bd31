"""Count random networks on the emulated Cortex-A72, whole and layer by layer.

    python -m experiments.cortex_a72.sample --to sample.jsonl --seed 1 --networks 200 [--layers]

Draws random genomes of our spaces at image sizes from 32 to 128 px, with at most 25 million
multiply-accumulates. If the file exists, it continues after the last network; each network is
determined by its number. `--models NAME@SIZE ...` counts the given networks instead.
"""

from pathlib import Path
from typing import Any

from devices.cortex_a72.convert import emulated
from devices.cortex_a72.parts import require_parts
from experiments.benchmarks.command_line import parser_for
from experiments.counted_networks import continue_file, drawn, to_rows
from gensynth.errors import InputError
from gensynth.graph.graph import Graph
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from gensynth.models.by_name import Model, find_model
from gensynth.serialization import to_plain
from gensynth.space import Task, build_source

TASKS = tuple(Task(3, size, size, 10) for size in (32, 32, 32, 48, 64, 64, 96, 128))
MOST_MACS = 25e6
SPACES = ("attendnext", "attendnext", "attendnext", "attendnet")


def draw(seed: int, number: int) -> tuple[str, Model, Graph]:
    """Draw a genome and an image size, which `seed` and `number` determine."""
    import torch

    name, task, source, graph = drawn(
        seed, number, SPACES, TASKS, lambda costs: costs.macs <= MOST_MACS
    )
    torch.manual_seed(number)
    model = Model(name, build_source(source), source.input_shape)
    return f"{name}-{number}@{task.height}", model, graph


def named(name: str) -> tuple[str, Model, Graph]:
    """Build `NAME@SIZE`."""
    kind, _, size = name.partition("@")
    pixels = int(size or 224)
    model = find_model(kind, Task(3, pixels, pixels, 1000))
    return name, model, trace(model.module, model.input_shape)


def counted(name: str, model: Model, graph: Graph, layers: bool) -> dict[str, Any]:
    """Return the counts of a network, or the problem if it cannot be converted."""
    row: dict[str, Any] = {"name": name, "macs": profile(graph).macs, "graph": to_rows(graph)}
    try:
        found, lines = emulated(model, require_parts(), layers)
    except InputError as error:
        return {"name": name, "problem": str(error)}
    row["counts"] = to_plain(found.counts)
    if layers:
        row["layers"] = [
            {"line": line, "shape": shape, "counts": to_plain(counts)}
            for line, shape, counts in zip(lines, found.shapes, found.layers, strict=True)
        ]
    return row


def main() -> None:
    """Count the networks that are not in the file yet."""
    parser = parser_for(__doc__)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--networks", type=int, default=0)
    parser.add_argument("--models", nargs="*", default=[])
    parser.add_argument("--layers", action="store_true")
    given = parser.parse_args()

    def row(number: int) -> dict[str, Any]:
        one = draw(given.seed, number) if given.networks else named(given.models[number])
        return counted(*one, given.layers)

    continue_file(given.to, given.networks or len(given.models), row)


if __name__ == "__main__":
    main()
