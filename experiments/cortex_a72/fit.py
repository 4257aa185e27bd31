"""Fit the fast model of the Cortex-A72 to layers that the emulator counted.

    python -m experiments.cortex_a72.fit --layers train.jsonl named.jsonl --unseen test.jsonl

`--layers` are files of `sample --layers`, `--unseen` one of `sample` with another seed, whose
networks are only predicted. Writes devices/cortex_a72/fast_model.json.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from devices.cortex_a72.calibration import Anchor, anchors
from devices.cortex_a72.fast_model import FastModel, classes, features
from experiments.benchmarks.command_line import parser_for
from experiments.cortex_a72.layers import layers_of, milliseconds, read
from experiments.fast_model_fit import Samples, fit, predicted, print_accuracy, with_errors
from gensynth.serialization import to_plain

ENOUGH = 12
"""Layers that a class needs."""
FLOOR_MS = 2e-3
"""Errors are relative to a layer's milliseconds plus this."""


def samples(rows: list[dict[str, Any]], anchor: Anchor) -> Samples:
    """Return classes, features and milliseconds of every layer."""
    found = [(layer, counts) for row in rows for layer, counts in layers_of(row)]
    return [
        (classes(layer), features(layer), max(milliseconds(anchor, counts), 0.0))
        for layer, counts in found
    ]


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
        known, truth = (
            np.array([milliseconds(anchor, row["counts"]) for row in some])
            for some in (rows, unseen)
        )
        limits = [float(f"{limit:.4g}") for limit in (known.min(), known.max())]
        model = FastModel("", fit(layers, FLOOR_MS, ENOUGH), 0.0, 0.0, *limits)
        print(name)
        print_accuracy("the networks in the fit", predicted(model, rows), known)
        fitted = f"{len(layers):,} layers of {len(rows)} networks"
        made[name] = to_plain(with_errors(model, fitted, predicted(model, unseen), truth))
    path = Path(__file__).parents[2] / "devices" / "cortex_a72" / "fast_model.json"
    path.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
