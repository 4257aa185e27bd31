r"""Does a short training rank networks as a long one does? From reports of by_one_recipe.py.

    python -m experiments.results.attendnext_cifar10.proxy_ranks --folder runs/record --epochs 80 \
        ours.json variants.json peers.json

For the networks that were trained for `--epochs`, prints Spearman's rank correlation between their
test top-1 and their validation top-1 in the trial of the learning rate (a separate schedule, a
fifth of `--trial-epochs`) and, if there is one, after the training of half the epochs. The 90 %
bootstrap interval is wide for so few networks.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from experiments.benchmarks.command_line import parser_for
from experiments.benchmarks.tables import heading, markdown

Pair = tuple[float, float]
"""Validation top-1 after the short training and test top-1 after the long one, in percent."""
BOOTSTRAPS = 1000


def main() -> None:
    """Print one row for each of the two short trainings."""
    parser = parser_for(__doc__)
    parser.add_argument("reports", nargs="+", type=Path, help="reports of by_one_recipe.py")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=80)
    options = parser.parse_args()
    reports = [one for file in options.reports for one in json.loads(file.read_text())]
    long = [one for one in reports if one["epochs"] == options.epochs]
    half = [pair for one in long if (pair := after_half(one, options.folder)) is not None]
    print(*heading(["short training", "networks", "rank correlation", "nine in ten"]), sep="\n")
    print(_row("the trial of the rate", [after_trial(one) for one in long]))
    print(_row("half the epochs", half))


def after_trial(report: dict[str, Any]) -> Pair:
    """Return the pair of a network's best set-up."""
    return max(report["set_ups"].values()), report["test_top1"]


def after_half(report: dict[str, Any], folder: Path) -> Pair | None:
    """Return the pair with the training of half the epochs, or None without such a training."""
    name, _, epochs = report["folder"].rpartition("-")
    file = folder / f"{name}-{int(epochs) // 2}" / "training.json"
    if not file.exists():
        return None
    return json.loads(file.read_text())["validation_top1"], report["test_top1"]


def correlation(pairs: Sequence[Pair]) -> tuple[float, float, float]:
    """Return Spearman's correlation with its 90 % bootstrap interval."""
    table = np.array(pairs)
    random = np.random.default_rng(0)
    drawn = [table[random.integers(0, len(table), len(table))] for _ in range(BOOTSTRAPS)]
    told = [rank(sample) for sample in drawn if len({*sample[:, 0]}) > 1 < len({*sample[:, 1]})]
    low, high = np.quantile(told, [0.05, 0.95])
    return rank(table), float(low), float(high)


def rank(table: "np.ndarray[Any, Any]") -> float:
    """Return Spearman's rank correlation of two columns."""
    return float(spearmanr(table[:, 0], table[:, 1]).statistic)


def _row(name: str, pairs: Sequence[Pair]) -> str:
    if len(pairs) < 3:
        return markdown([name, f"{len(pairs)}", "too few", "-"])
    here, low, high = correlation(pairs)
    return markdown([name, f"{len(pairs)}", f"{here:.2f}", f"{low:.2f} to {high:.2f}"])


if __name__ == "__main__":
    main()
