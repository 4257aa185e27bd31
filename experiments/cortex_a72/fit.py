"""Fit the fast model of the Cortex-A72 to layers that the emulator counted.

    python -m experiments.cortex_a72.fit --layers train.jsonl named.jsonl --unseen test.jsonl

`--layers` are files of `sample --layers`, `--unseen` one of `sample` with another seed, whose
networks are only predicted. Writes devices/cortex_a72/fast_model.json.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.stats import spearmanr

from devices.cortex_a72.calibration import Anchor, anchors
from devices.cortex_a72.fast_model import FastModel, classes, features
from experiments.benchmarks.command_line import parser_for
from experiments.cortex_a72.layers import graph_from, layers_of, milliseconds, read
from gensynth.serialization import to_plain

ENOUGH = 12
FLOOR_MS = 2e-3
PULL = 0.03
"""How strongly the coefficients of a class are pulled towards those of the class above it."""
ROUNDS = 3
"""Iterations of the reweighted fit."""

Samples = list[tuple[tuple[str, ...], tuple[float, ...], float]]
Numbers = NDArray[np.float64]


def samples(rows: list[dict[str, Any]], anchor: Anchor) -> Samples:
    """Return classes, features and milliseconds of every layer."""
    found = [(layer, counts) for row in rows for layer, counts in layers_of(row)]
    return [
        (classes(layer), features(layer), max(milliseconds(anchor, counts), 0.0))
        for layer, counts in found
    ]


def fit(layers: Samples, floor: float = FLOOR_MS, enough: int = ENOUGH) -> dict[str, list[float]]:
    """Fit the coefficients of each class; narrow classes are pulled towards broad ones.

    Errors are relative to a layer's milliseconds plus `floor`, so tiny layers matter less. A class
    needs `enough` layers to get coefficients of its own.
    """
    by_class: dict[str, list[int]] = defaultdict(list)
    above: dict[str, str] = {}
    for i, (names, _, _) in enumerate(layers):
        for narrow, broad in zip(names, (*names[1:], ""), strict=True):
            by_class[narrow].append(i)
            above[narrow] = broad
    numbers = np.array([given for _, given, _ in layers])
    times = np.array([time for _, _, time in layers])
    fitted: dict[str, Numbers] = {}
    while len(fitted) < len(by_class):
        for name in [n for n in by_class if n not in fitted and above[n] in {"", *fitted}]:
            rows = by_class[name]
            prior = fitted.get(above[name], np.zeros(numbers.shape[1]))
            fitted[name] = _fit_one(numbers[rows], times[rows], prior, floor) if rows else prior
    kept = {name for name, rows in by_class.items() if len(rows) >= enough or not above[name]}
    return {name: [float(f"{w:.6g}") for w in fitted[name]] for name in sorted(kept)}


def _fit_one(numbers: Numbers, times: Numbers, prior: Numbers, floor: float) -> Numbers:
    """Fit non-negative coefficients to relative errors, pulled towards `prior`.

    Errors are divided by the previous fit; dividing by the truth would favour low predictions.
    """
    size, found = times, prior
    for _ in range(ROUNDS):
        weight = 1 / (size + floor)
        table, goal = numbers * weight[:, None], times * weight
        scale = np.sqrt((table**2).mean(0)) + 1e-12
        pull = PULL * np.sqrt(len(times)) if prior.any() else 1e-3
        table = np.vstack([table / scale, pull * np.eye(len(scale))])
        found = nnls(table, np.concatenate([goal, pull * prior * scale]))[0] / scale
        size = np.sqrt(times * (numbers @ found))
    return np.asarray(found)


def compared(
    rows: list[dict[str, Any]], anchor: Anchor, model: FastModel
) -> tuple[Numbers, Numbers]:
    """Return the milliseconds of whole networks by the model and by the emulator."""
    predicted = [model.milliseconds(graph_from(row["graph"])) for row in rows]
    return np.array(predicted), np.array([milliseconds(anchor, row["counts"]) for row in rows])


def print_accuracy(title: str, predicted: Numbers, truth: Numbers) -> str:
    """Print the accuracy of the predictions, and return it in words."""
    errors = np.abs(predicted / truth - 1)
    text = (
        f"{len(truth)} networks, rank correlation {spearmanr(predicted, truth)[0]:.4f}, median "
        f"error {np.median(errors):.2%}, nine of ten within {np.quantile(errors, 0.9):.2%}"
    )
    print(f"{title}: {text}", flush=True)
    return text


def main() -> None:
    """Fit one model for each anchor of the emulator, print its accuracy, and write it."""
    parser = parser_for(__doc__)
    parser.add_argument("--layers", type=Path, nargs="+", required=True)
    parser.add_argument("--unseen", type=Path, required=True)
    given = parser.parse_args()
    rows = [row for path in given.layers for row in read(path)]
    unseen, made = read(given.unseen), {}
    for name, anchor in anchors().items():
        layers = samples(rows, anchor)
        model = FastModel("", fit(layers), 0.0, 0.0, 0.0, 1e9)
        print_accuracy(f"{name}, the networks in the fit", *compared(rows, anchor, model))
        predicted, truth = compared(unseen, anchor, model)
        figures = print_accuracy(f"{name}, unseen", predicted, truth)
        ratios = predicted / truth
        pairs = np.abs(ratios[:, None] / ratios[None] - 1)[~np.eye(len(ratios), dtype=bool)]
        fitted = f"{len(layers):,} layers of {len(rows)} networks; unseen: {figures}"
        bounds = [float(f"{np.quantile(np.abs(x), 0.9):.4g}") for x in (ratios - 1, pairs)]
        known = [milliseconds(anchor, row["counts"]) for row in rows]
        limits = [float(f"{limit:.4g}") for limit in (min(known), max(known))]
        made[name] = to_plain(FastModel(fitted, model.coefficients, *bounds, *limits))
    path = Path(__file__).parents[2] / "devices" / "cortex_a72" / "fast_model.json"
    path.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
