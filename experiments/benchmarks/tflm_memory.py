"""RAM and flash under TensorFlow Lite Micro: predicted from graphs, against real files and arenas.

    python -m experiments.benchmarks.tflm_memory --work FOLDER --python VENV/bin/python
    python -m experiments.benchmarks.tflm_memory --work FOLDER

The first command converts presets and random genomes, float32 and int8, and has TFLM allocate each;
VENV has litert-torch 0.10, ai-edge-quantizer 0.10 and tflite-micro, and needs no gensynth. A second
start converts what is missing. Both fit the coefficients of `gensynth/tflm/coefficients.py` to
one part of the networks, print the errors on the other part, and write
experiments/results/tflm_memory.csv. --dry-run only lists the networks.
"""

import csv
import json
import subprocess
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from experiments.benchmarks.command_line import parser_for
from gensynth.graph.graph import Graph
from gensynth.graph.profile import profile
from gensynth.space import Draw, Replay, SearchSpace, Source, Task
from gensynth.tflm.footprint import PRECISIONS, known_file, known_tail, terms
from gensynth.tflm.lowering import lowered
from gensynth.tflm.planner import head_bytes
from gensynth.tflm.program import Precision, Program
from search_spaces.attendnet import AttendNet
from search_spaces.attendnext import AttendNeXt

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "experiments" / "results" / "tflm_memory.csv"
WORKER = Path(__file__).with_name("tflm_worker.py")
TASKS = (Task(3, 64, 64, 10), Task(1, 28, 28, 10), Task(3, 96, 96, 2), Task(3, 32, 32, 10))
MOST_PARAMS, MOST_MACS = 500_000, 1e8
"""Larger random genomes are left out: no board of the table has room for them."""
UNSEEN = 2
"""Every second random genome is not in the fit."""
Numbers = NDArray[np.float64]


class Network(NamedTuple):
    """One network: how to build it, and its graph."""

    name: str
    source: Source
    graph: Graph
    fitted: bool


class Row(NamedTuple):
    """One network in one precision: what was measured, and what is predicted."""

    name: str
    precision: Precision
    fitted: bool
    program: Program
    measured: dict[str, int]

    @property
    def head(self) -> int:
        """Bytes of the arena's head, as predicted."""
        return head_bytes(self.program, self.precision)


def networks(count: int) -> Iterator[Network]:
    """Yield the presets of both spaces at 64 pixels, and `count` random genomes."""
    spaces: list[tuple[str, SearchSpace[Any]]]
    spaces = [("attendnext", AttendNeXt()), ("attendnet", AttendNet())]
    for name, space in spaces:
        for preset, decisions in space.presets.items():
            yield _network(f"{name}-{preset}", space, space.sample(Replay(decisions)), TASKS[0])
    found = seed = 0
    while found < count:
        name, space = spaces[seed % 3 == 2]
        genome = space.sample(Draw(np.random.default_rng(seed)))
        task = TASKS[seed // 3 % len(TASKS)]
        made = _network(f"{name}-{seed:03d}", space, genome, task, found % UNSEEN != 0)
        costs = profile(made.graph)
        if costs.params <= MOST_PARAMS and costs.macs <= MOST_MACS:
            found += 1
            yield made
        seed += 1


def _network(
    name: str, space: SearchSpace[Any], genome: Any, task: Task, fitted: bool = True
) -> Network:
    graph = space.graph(genome, task)  # type: ignore[attr-defined]
    return Network(name, space.source(genome, task), graph, fitted)


def convert(all_of_them: Sequence[Network], folder: Path, python: Path) -> None:
    """Convert in a process of the other environment what `folder` does not have yet."""
    listed = folder / "networks.jsonl"
    lines = [
        {"name": n.name, "module": n.source.module, "spec": n.source.spec}
        | {"input_shape": n.source.input_shape}
        for n in sorted(all_of_them, key=lambda n: len(n.graph))
    ]
    listed.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    subprocess.run([str(python), str(WORKER), str(listed), str(folder)], cwd=ROOT, check=True)


def measured(all_of_them: Sequence[Network], folder: Path) -> list[Row]:
    """Return what is known of the networks that have been converted."""
    found = []
    for network in all_of_them:
        file = folder / f"{network.name}.json"
        if file.exists():
            program, figures = lowered(network.graph), json.loads(file.read_text("utf-8"))
            found += [
                Row(network.name, kind, network.fitted, program, figures[kind])
                for kind in PRECISIONS
            ]
    return found


def fit(rows: Sequence[Row], what: str) -> Numbers:
    """Fit coefficients that are not negative to errors relative to the arena or the file."""
    table, goal, size = _problem([row for row in rows if row.fitted], what)
    return np.asarray(nnls(table / size[:, None], goal / size)[0])


def _problem(rows: Sequence[Row], what: str) -> tuple[Numbers, Numbers, Numbers]:
    table = np.array([terms(row.program)[what == "file"] for row in rows], float)
    known = known_tail if what == "tail" else known_file
    rest = [row.measured[what] - known(row.program, row.precision) for row in rows]
    whole = "arena" if what == "tail" else "file"
    return table, np.array(rest, float), np.array([row.measured[whole] for row in rows], float)


def report(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Fit, print coefficients and errors, and return the table."""
    lines: list[dict[str, Any]] = []
    for kind in PRECISIONS:
        own = [row for row in rows if row.precision == kind]
        coefficients = {what: fit(own, what) for what in ("tail", "file")}
        for what, found in coefficients.items():
            print(f"{kind} {what}: {tuple(float(f'{c:.1f}') for c in found)}")
        lines += [_line(row, coefficients) for row in own]
        for word, chosen in (("in the fit", True), ("unseen", False)):
            print(f"{kind}, {word}: {_errors([line for line in lines if _is(line, kind, chosen)])}")
    return lines


def _is(line: dict[str, Any], kind: str, fitted: bool) -> bool:
    return bool(line["precision"] == kind and line["fitted"] == int(fitted))


def _line(row: Row, coefficients: dict[str, Numbers]) -> dict[str, Any]:
    arena, file = (np.array(each, float) for each in terms(row.program))
    tail = known_tail(row.program, row.precision) + float(arena @ coefficients["tail"])
    model = known_file(row.program, row.precision) + float(file @ coefficients["file"])
    return {
        "name": row.name,
        "precision": row.precision,
        "fitted": int(row.fitted),
        "operators": len(row.program.operators),
        "head_bytes": row.measured["head"],
        "predicted_head": row.head,
        "arena_bytes": row.measured["arena"],
        "predicted_arena": round(row.head + tail),
        "model_bytes": row.measured["file"],
        "predicted_model": round(model),
    }


def _errors(lines: Sequence[dict[str, Any]]) -> str:
    if not lines:
        return "none"
    same = sum(line["head_bytes"] == line["predicted_head"] for line in lines)
    words = [f"{len(lines)} networks, head equal in {same}"]
    for what in ("arena", "model"):
        off = [abs(line[f"predicted_{what}"] / line[f"{what}_bytes"] - 1) for line in lines]
        words.append(f"{what} off by at most {max(off):.2%}, median {np.median(off):.2%}")
    return "; ".join(words)


def _parser() -> ArgumentParser:
    parser = parser_for(__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of the converted files")
    parser.add_argument("--python", type=Path, help="interpreter of the converter's environment")
    parser.add_argument("--genomes", type=int, default=60)
    parser.add_argument("--to", type=Path, default=TABLE)
    parser.add_argument("--dry-run", action="store_true")
    return parser


def main() -> None:
    """Convert what is missing, fit, print, and write the table."""
    given = _parser().parse_args()
    listed = list(networks(given.genomes))
    if given.dry_run:
        print("\n".join(f"{n.name} {n.source.input_shape} {len(n.graph)} rows" for n in listed))
        return
    given.work.mkdir(parents=True, exist_ok=True)
    if given.python:
        convert(listed, given.work, given.python)
    lines = report(measured(listed, given.work))
    with given.to.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


if __name__ == "__main__":
    main()
