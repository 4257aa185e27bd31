"""The fast model's features against Raspberry Pi 4 latencies: NAS-Bench-201 and FBNet's space.

    python -m experiments.cortex_a72.tables --nasbench nasbench201_cifar10.parquet \
        --fbnet fbnet_block_lut_cifar100.csv

HW-NAS-Bench measured them with TensorFlow Lite, so they need coefficients of their own for the same
layers and features. Half of the networks are fitted, the others are only predicted. The networks of
FBNet's space are random sums of the table's blocks.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.stats import spearmanr

from devices.cortex_a72.fast_model import FEATURES, classes, features
from devices.cortex_a72.ncnn_layers import NcnnLayer, ncnn_layers
from experiments.benchmarks.command_line import parser_for
from gensynth.graph.graph import Graph
from search_spaces.rows import Rows

Numbers = NDArray[np.float64]
ENDS = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
STAGES = ((16, 16, 4, 1), (24, 24, 4, 2), (32, 32, 4, 2), (64, 64, 4, 2), (112, 112, 4, 1))


def ran(cell: list[str]) -> list[bool]:
    """Return which edges the runtime ran; it leaves out the inputs of an unused sum."""
    there = [operation != "none" for operation in cell]
    first, second = there[0], there[5]
    if not second and there[1] and there[2]:
        there[1] = there[2] = False
        there[0] = first and there[4]
    elif not second and not there[4] and first and there[3] and there[1] != there[2]:
        there[0], there[1] = False, False
    return there


def leads_through(cell: list[str]) -> bool:
    """Whether anything of the image reaches the output of the cell."""
    reached = {0}
    for operation, (start, end) in zip(cell, ENDS, strict=True):
        if operation != "none" and start in reached:
            reached.add(end)
    return 3 in reached


def cell_network(cell: list[str]) -> Graph:
    """Return the graph of a network of NAS-Bench-201, without the edges that were not run."""
    rows, kept = Rows((3, 32, 32)), ran(cell)
    row = rows.norm(rows.conv(0, 16, 3, 1, 1, "stem"), "stem")
    for width in (16, 32, 64):
        if width > 16:
            branch = row
            for stride in (2, 1):
                branch = rows.activation(branch, "relu", "")
                branch = rows.norm(rows.conv(branch, width, 3, 1, stride, ""), "")
            short = rows.conv(rows.pool("avg", row, 2, 2, ""), width, 1, 1, 1, "")
            row = rows.combine("add", (branch, short), "")
        for _ in range(5):
            row = _cell(rows, row, cell, kept)
    rows.head(rows.activation(rows.norm(row, ""), "relu", ""), 10)
    return Graph(tuple(rows.layers))


def _cell(rows: Rows, row: int, cell: list[str], kept: list[bool]) -> int:
    nodes: list[list[int]] = [[row], [], [], []]
    for operation, (start, end), there in zip(cell, ENDS, kept, strict=True):
        if not there:
            continue
        source = _sum(rows, nodes[start], row)
        nodes[start] = [source]
        if operation.startswith("nor_conv"):
            width, size = rows.shape(source)[0], int(operation[-1])
            active = rows.activation(source, "relu", "")
            source = rows.norm(rows.conv(active, width, size, 1, 1, ""), "")
        elif operation == "avg_pool_3x3":
            source = rows.pool("avg", source, 3, 1, "")
        nodes[end].append(source)
    return _sum(rows, nodes[3], row)


def _sum(rows: Rows, parts: list[int], otherwise: int) -> int:
    if not parts:
        return otherwise
    total = parts[0]
    for part in parts[1:]:
        total = rows.combine("add", (total, part), "")
    return total


def block(op: str, given: int, made: int, side: int, stride: int) -> list[NcnnLayer]:
    """Return the layers of a block of FBNet's space: expand, depthwise, project."""
    if op == "skip":
        return []
    words = op.split("_")
    kernel, expansion = int(words[0][1:]), int(words[1][1:])
    groups = 2 if words[-1] == "g2" else 1
    middle, before, after = given * expansion, side * side, (side // stride) ** 2
    form = "grouped" if groups > 1 else "Convolution"
    return [
        NcnnLayer(form, given, middle, before, before, 1, 1, groups),
        NcnnLayer("depthwise", middle, middle, before, after, kernel * kernel, stride, middle),
        NcnnLayer(form, middle, made, after, after, 1, 1, groups),
    ]


def names_of(layer: NcnnLayer) -> str:
    """Return the class of a layer in these tables: its kind and window."""
    if layer.kind in ("Convolution", "grouped", "depthwise"):
        return f"{layer.kind} {layer.kernel} {layer.stride}"
    return classes(layer)[-2]


def table(networks: list[list[NcnnLayer]]) -> Numbers:
    """Return the sums of the features of each network by class."""
    known = {name: i for i, name in enumerate(sorted({names_of(w) for n in networks for w in n}))}
    sums = np.zeros((len(networks), len(known), FEATURES))
    for i, network in enumerate(networks):
        for layer in network:
            sums[i, known[names_of(layer)]] += features(layer)
    flat = sums.reshape(len(networks), -1)
    return np.hstack([flat[:, flat.any(0)], np.ones((len(networks), 1))])


def tried(title: str, numbers: Numbers, ms: Numbers) -> None:
    """Fit half of the networks, predict the others, and print the accuracy."""
    order = np.random.default_rng(0).permutation(len(ms))
    fitted, unseen = order[: len(ms) // 2], order[len(ms) // 2 :]
    scale = numbers.mean(0) + 1e-12
    size, weights = ms[fitted], scale
    for _ in range(3):  # Errors relative to the truth would favour low predictions.
        goal = ms[fitted] / size
        weights = nnls(numbers[fitted] / scale / size[:, None], goal)[0] / scale
        size = np.sqrt(ms[fitted] * (numbers[fitted] @ weights))
    predicted = numbers[unseen] @ weights
    errors = np.abs(predicted / ms[unseen] - 1)
    rho = spearmanr(predicted, ms[unseen])[0]
    figures = f"median error {np.median(errors):.2%}, nine of ten {np.quantile(errors, 0.9):.2%}"
    print(f"{title}: {len(unseen)} left-out networks, rank correlation {rho:.4f}, {figures}")


def fbnet(path: Path, count: int) -> tuple[list[list[NcnnLayer]], Numbers]:
    """Draw networks of FBNet's space; their latencies are sums over the table's blocks."""
    lut = pd.read_csv(path)
    blocks: Any = lut[lut.layer >= 0]
    constant = float(lut[lut.layer < 0].ms_raspi4.sum())
    channels, strides = [16, 24, 32, 64, 112, 184, 352], [1, 1, 2, 2, 1, 2, 1]
    places, given, side = [], 16, 32
    for made, stride, depth in zip(channels, strides, (1, 4, 4, 4, 4, 4, 1), strict=True):
        for k in range(depth):
            places.append((given, made, side, stride if k == 0 else 1))
            side, given = side // (stride if k == 0 else 1), made
    rng = np.random.default_rng(1)
    by_layer = [group.to_dict("records") for _, group in blocks.groupby("layer")]
    networks, ms = [], []
    for _ in range(count):
        chosen = [rows[rng.integers(len(rows))] for rows in by_layer]
        parts = [block(row["op"], *place) for row, place in zip(chosen, places, strict=True)]
        networks.append([layer for part in parts for layer in part])
        ms.append(constant + sum(row["ms_raspi4"] for row in chosen))
    return networks, np.array(ms)


def main() -> None:
    """Fit and predict both tables."""
    parser = parser_for(__doc__)
    parser.add_argument("--nasbench", type=Path, required=True)
    parser.add_argument("--fbnet", type=Path, required=True)
    given = parser.parse_args()
    drawn, sums = fbnet(given.fbnet, 2000)
    tried("FBNet's space", table(drawn), sums)
    cells = pd.read_parquet(given.nasbench).query("connected")
    listed = cells[[f"edge{i}" for i in range(6)]].to_numpy().tolist()
    carries = [leads_through(cell) for cell in listed]
    cells, listed = cells[carries], [c for c, there in zip(listed, carries, strict=True) if there]
    networks = [list(ncnn_layers(cell_network(cell))) for cell in listed]
    tried("NAS-Bench-201", table(networks), cells.raspberry_pi4_ms.to_numpy())


if __name__ == "__main__":
    main()
