"""Random networks that an emulator counts, one after the other, in a file that can be continued."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gensynth.evaluation.evaluator import graph_of
from gensynth.graph.graph import Graph
from gensynth.graph.profile import Profile, profile
from gensynth.models.by_name import default_space
from gensynth.serialization import to_plain
from gensynth.space import Draw, Source, Task


def drawn(
    seed: int,
    number: int,
    spaces: Sequence[str],
    tasks: Sequence[Task],
    allowed: Callable[[Profile], bool],
) -> tuple[str, Task, Source, Graph]:
    """Draw a space, a task and a genome, which `seed` and `number` determine."""
    rng = np.random.default_rng((seed, number))
    while True:
        name = spaces[int(rng.integers(len(spaces)))]
        task = tasks[int(rng.integers(len(tasks)))]
        space = default_space(name, name)
        try:
            genome = space.sample(Draw(rng))
            source = space.source(genome, task)
            graph = graph_of(space, genome, task, source)
        except ValueError:
            continue
        if allowed(profile(graph)):
            return name, task, source, graph


def to_rows(graph: Graph) -> list[list[Any]]:
    """Return the rows of a graph as plain data."""
    return [list(to_plain(list(layer))) for layer in graph]  # type: ignore[arg-type]


def continue_file(file: Path, total: int, row_of: Callable[[int], dict[str, Any]]) -> None:
    """Append the rows of the networks that a file does not hold yet, up to `total`."""
    done = file.read_text().splitlines() if file.exists() else []
    with file.open("a", encoding="utf-8") as lines:
        for number in range(len(done), total):
            row = row_of(number)
            lines.write(json.dumps(row) + "\n")
            lines.flush()
            counts = row.get("counts", row)
            told = row.get("problem") or f"{counts['instructions'] / 1e6:.3f} M instructions"
            print(row["name"], told, flush=True)
