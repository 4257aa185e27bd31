"""Count random networks on the emulated Cortex-A72, whole and layer by layer.

    python -m experiments.cortex_a72.sample --to sample.jsonl --seed 1 --networks 200 [--layers]

Draws random genomes of our spaces at image sizes from 32 to 128 px, with at most 25 million
multiply-accumulates. If the file exists, it continues after the last network; each network is
determined by its number. `--models NAME@SIZE ...` counts the given networks instead.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from devices.cortex_a72.convert import emulated
from devices.cortex_a72.parts import require_parts
from experiments.benchmarks.command_line import parser_for
from gensynth.errors import InputError
from gensynth.evaluation.evaluator import graph_of
from gensynth.graph.graph import Graph
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from gensynth.models.by_name import Model, default_space, find_model
from gensynth.serialization import to_plain
from gensynth.space import Draw, Task, build_source

SIZES = (32, 32, 32, 48, 64, 64, 96, 128)
MOST_MACS = 25e6
SPACES = ("attendnext", "attendnext", "attendnext", "attendnet")


def draw(seed: int, number: int) -> tuple[str, Model, Graph]:
    """Draw a genome and an image size, which `seed` and `number` determine."""
    import torch

    rng = np.random.default_rng((seed, number))
    while True:
        name, size = SPACES[rng.integers(len(SPACES))], int(SIZES[rng.integers(len(SIZES))])
        space, task = default_space(name, name), Task(3, size, size, 10)
        try:
            genome = space.sample(Draw(rng))
            source = space.source(genome, task)
            graph = graph_of(space, genome, task, source)
        except ValueError:
            continue
        if profile(graph).macs <= MOST_MACS:
            torch.manual_seed(number)
            return (
                f"{name}-{number}@{size}",
                Model(name, build_source(source), source.input_shape),
                graph,
            )


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


def to_rows(graph: Graph) -> list[list[Any]]:
    """Return the rows of a graph as plain data."""
    return [list(to_plain(list(layer))) for layer in graph]  # type: ignore[arg-type]


def main() -> None:
    """Count the networks that are not in the file yet."""
    parser = parser_for(__doc__)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--networks", type=int, default=0)
    parser.add_argument("--models", nargs="*", default=[])
    parser.add_argument("--layers", action="store_true")
    given = parser.parse_args()
    done = given.to.read_text().splitlines() if given.to.exists() else []
    with given.to.open("a", encoding="utf-8") as file:
        for number in range(len(done), given.networks or len(given.models)):
            one = draw(given.seed, number) if given.networks else named(given.models[number])
            row = counted(*one, given.layers)
            file.write(json.dumps(row) + "\n")
            file.flush()
            outcome = (
                row.get("problem") or f"{row['counts']['instructions'] / 1e6:.2f} M instructions"
            )
            print(row["name"], outcome, flush=True)


if __name__ == "__main__":
    main()
