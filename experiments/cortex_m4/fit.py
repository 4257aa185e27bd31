"""Fit the fast model of the Cortex-M4 to loops that the emulator counted.

    python -m experiments.cortex_m4.fit --nodes train.jsonl --unseen test.jsonl

`--nodes` is a file of `sample --nodes`, `--unseen` one of `sample` with another seed: its networks
are only predicted. Writes devices/cortex_m4/fast_model.json, and the unseen networks one by one to
experiments/results/cortex_m4_unseen.csv.
"""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from devices.cortex_m4.c_nodes import CNode, c_nodes
from devices.cortex_m4.fast_model import FastModel, classes, features
from experiments.benchmarks.command_line import parser_for
from experiments.cortex_a72.layers import graph_from
from experiments.fast_model_fit import (
    Numbers,
    Samples,
    fit,
    predicted,
    print_accuracy,
    with_errors,
)
from gensynth.serialization import loads, to_plain

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "experiments" / "results" / "cortex_m4_unseen.csv"
FLOOR = 400.0
"""Errors are relative to a loop's instructions plus this: the timer counts in steps of 40."""
ENOUGH = 3
"""Loops that a class needs: counts have no noise."""
OPERATORS: dict[str, tuple[str, ...]] = {
    "conv2d": ("Conv",), "blur": ("Conv",), "linear": ("Gemm",),
    "batch_norm": ("BatchNormalization",),
    "relu": ("Relu",), "relu6": ("Clip",), "sigmoid": ("Sigmoid",), "hardsigmoid": ("HardSigmoid",),
    "silu": ("Sigmoid", "Mul"), "hardswish": ("HardSwish",), "softmax": ("Softmax",),
    "mul": ("Mul",), "add": ("Add",), "avg": ("AveragePool",), "max": ("MaxPool",),
    "mean": ("ReduceMean",), "replication_pad2d": ("Pad",), "reflection_pad2d": ("Pad",),
    "constant_pad_nd": ("Pad",), "cat": ("Concat",), "split": ("Split",),
    "channel_shuffle": ("Reshape", "Transpose", "Reshape"),
    "upsample_nearest2d": ("Shape", "Concat", "Resize"),
}  # fmt: skip
"""Operators that a row of a graph becomes in ONNX. Networks with others are not fitted on."""


def read(path: Path) -> list[dict[str, Any]]:
    """Read a file of `sample`, without the networks that could not be built."""
    rows: list[Any] = [loads(line, path.name) for line in path.read_text("utf-8").splitlines()]
    return [row for row in rows if "instructions" in row]


def samples(rows: list[dict[str, Any]]) -> Samples:
    """Return classes, features and instructions of every loop."""
    found: Samples = []
    for row in rows:
        (_, picture), *nodes = c_nodes(graph_from(row["graph"]))
        counts = [count for _, count in row["nodes"]]
        expected = [name for layer, _ in nodes for name in OPERATORS.get(layer.op, ("none",))]
        if expected != [name for name, _ in row["nodes"]]:
            print(f"{row['name']}: other operators than expected, left out")
            continue
        found.append(_sample(picture, row["instructions"] - sum(counts)))
        for layer, node in nodes:
            span = len(OPERATORS[layer.op])
            found.append(_sample(node, sum(counts[:span])))
            counts = counts[span:]
    return found


def _sample(node: CNode, count: float) -> tuple[tuple[str, ...], tuple[float, ...], float]:
    return classes(node), features(node), max(float(count), 0.0)


def write_table(rows: list[dict[str, Any]], guessed: Numbers) -> None:
    """Write the unseen networks one by one."""
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("network", "macs", "instructions", "predicted"))
        for row, guess in zip(rows, guessed, strict=True):
            writer.writerow((row["name"], row["macs"], row["instructions"], round(guess)))


def main() -> None:
    """Fit the model, print its accuracy, and write it."""
    parser = parser_for(__doc__)
    parser.add_argument("--nodes", type=Path, required=True)
    parser.add_argument("--unseen", type=Path, required=True)
    given = parser.parse_args()
    rows, unseen = read(given.nodes), read(given.unseen)
    loops = samples(rows)
    known, truth = (
        np.array([row["instructions"] for row in some], dtype=float) for some in (rows, unseen)
    )
    limits = float(known.min()), float(known.max())
    model = FastModel("", fit(loops, FLOOR, ENOUGH), 0.0, 0.0, *limits)
    print_accuracy("the networks in the fit", predicted(model, rows), known)
    fitted, guessed = f"{len(loops):,} loops of {len(rows)} networks", predicted(model, unseen)
    made = with_errors(model, fitted, guessed, truth)
    path = ROOT / "devices" / "cortex_m4" / "fast_model.json"
    path.write_text(json.dumps(to_plain(made), indent=1) + "\n", encoding="utf-8")
    write_table(unseen, guessed)


if __name__ == "__main__":
    main()
