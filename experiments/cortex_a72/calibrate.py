"""Fit the emulated Cortex-A72's milliseconds to ncnn's latencies on a real Raspberry Pi 4.

    python -m experiments.cortex_a72.calibrate --params ncnn/benchmark/models \
        --rows ncnn_benchmark_all_devices.csv --counts counts.json

`--params` is the folder of ncnn's benchmark networks (`*.param`, github Tencent/ncnn), `--rows` its
published latencies as a table (device, threads, model, avg_ms). Weights are zeros, as in ncnn's own
benchmark. Counts are kept in `--counts`. Writes devices/cortex_a72/calibration.json.
"""

import json
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import nnls
from scipy.stats import spearmanr

from devices.cortex_a72.calibration import TERMS, Anchor
from devices.cortex_a72.counts import Counts
from devices.cortex_a72.emulator import Files, emulate
from devices.cortex_a72.parts import Parts, require_parts
from experiments.benchmarks.command_line import parser_for
from gensynth.serialization import from_plain, to_plain

BOARD = "Raspberry Pi 4 Model B"
SIZES = {
    "squeezenet": 227, "mobilenet": 224, "mobilenet_v2": 224, "mobilenet_v3": 224,
    "shufflenet": 224, "shufflenet_v2": 224, "mnasnet": 224, "proxylessnasnet": 224,
    "efficientnet_b0": 224, "efficientnetv2_b0": 224, "regnety_400m": 224, "blazeface": 128,
    "googlenet": 224, "resnet18": 224, "alexnet": 227, "vgg16": 224, "resnet50": 224,
    "squeezenet_ssd": 300, "mobilenet_ssd": 300, "mobilenet_yolo": 416,
    "mobilenetv2_yolov3": 352, "yolov4-tiny": 416, "yolo-fastest-1.1": 320,
    "yolo-fastestv2": 352, "FastestDet": 352,
}  # fmt: skip
"""Image sizes of ncnn's benchmark, float32. Left out: nanodet_m, whose outputs are several, and
vision_transformer, whose attention ncnn computes by other kernels now than when it was measured
(the fit would call it 0.4 times as slow as the row says)."""
FIRST_TRIAL = (
    "squeezenet", "mobilenet", "mobilenet_v2", "mobilenet_v3", "shufflenet_v2", "mnasnet",
    "efficientnet_b0", "regnety_400m", "googlenet", "resnet18", "resnet50", "alexnet",
)  # fmt: skip
"""Classification networks of a first trial, reported separately."""


def count(name: str, folder: Path, parts: Parts) -> Counts:
    """Count one inference of a network of ncnn's benchmark."""
    param, size = folder / f"{name}.param", SIZES[name]
    lines = [line.split() for line in param.read_text("utf-8").splitlines() if line.strip()]
    source = next(line for line in lines if line[0] == "Input")
    last = lines[-1]
    output = last[3 + int(last[2]) + int(last[3])]
    image = array("f", [1.0] * (3 * size * size)).tobytes()
    files = Files(param, Path("/dev/zero"), source[4], output)
    return emulate(files, image, (3, size, size), (), parts).counts


def fit(counts: pd.DataFrame, ms: pd.Series) -> np.ndarray[Any, Any]:
    """Fit non-negative weights to relative errors."""
    table = counts[list(TERMS)].to_numpy() / ms.to_numpy()[:, None]
    scale = table.mean(0)
    return np.asarray(nnls(table / scale, np.ones(len(table)))[0] / scale)


def left_out(counts: pd.DataFrame, ms: pd.Series) -> pd.Series:
    """Return the prediction of each network, fitted to all others, as a multiple of the truth."""
    ratios = {}
    for name in counts.index:
        rest = counts.drop(name)
        weights = fit(rest, ms[rest.index])
        ratios[name] = float(counts.loc[name, list(TERMS)].to_numpy() @ weights) / ms[name]
    return pd.Series(ratios)


def anchored(counts: pd.DataFrame, ms: pd.Series, threads: int) -> Anchor:
    """Return an anchor with its errors."""
    ratios = left_out(counts, ms)
    errors = (ratios - 1).abs()
    numbers = ratios.to_numpy()
    pairs = np.abs(numbers[:, None] / numbers[None] - 1)[~np.eye(len(numbers), dtype=bool)]
    weights = dict(zip(TERMS, (1e6 * fit(counts, ms)).tolist(), strict=True))
    return Anchor(
        f"Raspberry Pi 4 B at 1.8 GHz, ncnn, float32, {threads} thread{'s' * (threads > 1)}, "
        "published with ncnn",
        {name: round(weight, 6) for name, weight in weights.items()},
        len(ms),
        float(spearmanr(ratios * ms, ms)[0]),
        float(errors.median()),
        float(errors.quantile(0.9)),
        float(np.quantile(pairs, 0.9)),
        float(ms.min()),
        float(ms.max()),
    )


def latencies(rows: pd.DataFrame, board: str, threads: int) -> pd.Series:
    """Return the latencies of a board in milliseconds, the fastest of several runs."""
    chosen = rows[rows.device.str.startswith(board) & (rows.threads == threads)]
    return chosen[chosen.model.isin(SIZES)].groupby("model").avg_ms.min()


def print_accuracy(title: str, ratios: pd.Series, ms: pd.Series) -> None:
    """Print how accurately left-out networks are predicted."""
    errors = (ratios - 1).abs()
    rho = spearmanr(ratios * ms[ratios.index], ms[ratios.index])[0]
    print(
        f"{title}: {len(ratios)} networks, rho {rho:.4f}, median error {errors.median():.2%}, "
        f"mean {errors.mean():.2%}, largest {errors.max():.2%} ({errors.idxmax()})"
    )


def main() -> None:
    """Count the remaining networks, fit the anchors, print their errors, and write them."""
    parser = parser_for(__doc__)
    for option in ("--params", "--rows", "--counts"):
        parser.add_argument(option, type=Path, required=True)
    given = parser.parse_args()
    known = json.loads(given.counts.read_text()) if given.counts.exists() else {}
    for name in [name for name in SIZES if name not in known]:
        known[name] = to_plain(count(name, given.params, require_parts()))
        given.counts.write_text(json.dumps(known, indent=1))
    counts = pd.DataFrame(
        {name: to_plain(from_plain(Counts, known[name], name)) for name in SIZES}
    ).T.astype(float)
    rows, made = pd.read_csv(given.rows), {}
    for threads in (1, 4):
        ms = latencies(rows, BOARD, threads)
        anchor = anchored(counts.loc[ms.index], ms, threads)
        made[f"ncnn-{threads}"] = to_plain(anchor)
        ratios = left_out(counts.loc[ms.index], ms)
        print_accuracy(f"{threads} thread(s), left out one at a time", ratios, ms)
        print(pd.DataFrame({"ms": ms, "predicted / measured": ratios.round(3)}).to_string())
        if threads == 1:
            few = list(FIRST_TRIAL)
            print_accuracy(
                "of the first trial, fitted on these", left_out(counts.loc[few], ms[few]), ms
            )
    path = Path(__file__).parents[2] / "devices" / "cortex_a72" / "calibration.json"
    path.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
