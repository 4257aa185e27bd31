r"""A predictor of accuracy and of its noise, fitted on the recorded table of our own space.

    python -m experiments.benchmarks.recorded_predictor \
        experiments/results/attendnext_fashion_mnist.parquet

Prints its errors on networks that were left out of the fit. The predictor makes searches of the
space comparable without training (`simulated_space.py`); such results are statements about the
predictor and are called simulated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, log10
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy import float64
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import KFold

from experiments.benchmarks.command_line import parser_for
from gensynth.genome import Decisions

Floats = NDArray[float64]
PREFIX = "decision."
COSTS = ("params", "macs", "peak_activation_bytes")
TREES = 400
FOLDS = 10


def main() -> None:
    """Print the predictor's errors on networks left out."""
    parser = parser_for(__doc__)
    parser.add_argument("table", type=Path)
    table = pd.read_parquet(parser.parse_args().table)
    quality = cross_validated(table)
    predictor = Predictor(table)
    print(f"{len(networks(table))} networks, {len(table)} trainings")
    print(f"left out, {FOLDS} folds: Spearman {quality.rank:.3f}, RMSE {quality.error:.2f} points")
    print(f"two seeds of one network: standard deviation {quality.noise:.2f} points")
    for top1 in (75.0, 82.0, 86.0, 88.0):
        print(f"  at {top1:.0f} %: {predictor.deviation(top1):.2f} points")


@dataclass(frozen=True)
class Quality:
    """Errors on networks that were left out of the fit."""

    rank: float
    """Spearman's rank correlation with the measured top-1."""
    error: float
    """Root of the mean squared error, in points of top-1; the seeds' noise is part of it."""
    noise: float
    """Standard deviation of one training around its network's mean, in points."""


class Predictor:
    """Extremely randomised trees over decisions and costs (Geurts et al. 2006)."""

    def __init__(self, table: pd.DataFrame) -> None:
        """Fit to the mean top-1 of every network."""
        known = networks(table)
        self.columns = [c for c in table.columns if c.startswith(PREFIX)]
        words = [c for c in self.columns if not pd.api.types.is_numeric_dtype(known[c])]
        self.words = {c: sorted(known[c].dropna().astype(str).unique()) for c in words}
        rows: list[dict[str, Any]] = known.to_dict("records")  # type: ignore[assignment]
        features = np.array([self._features(row, row) for row in rows])
        self.model = ExtraTreesRegressor(TREES, min_samples_leaf=2, random_state=0)
        self.model.fit(features, _logit(known["top1"].to_numpy(dtype=float64)))
        self.slope, self.offset = _noise_line(table)

    def predict(self, decisions: Decisions, costs: Mapping[str, float]) -> float:
        """Return the predicted mean top-1 (percent) of a network's trainings."""
        row = {PREFIX + name: value for name, value in decisions.items()}
        features = np.array([self._features(row, costs)])
        return float(_percent(self.model.predict(features))[0])

    def deviation(self, top1: float) -> float:
        """Return the standard deviation (points) of a training around a mean of `top1` percent."""
        return float(np.exp(self.offset + self.slope * log(100 - min(top1, 99.5))))

    def _features(self, row: Mapping[str, Any], costs: Mapping[str, Any]) -> list[float]:
        made = [log10(max(float(costs[name]), 1.0)) for name in COSTS]
        for column in self.columns:
            value = row.get(column)
            missing = value is None or (isinstance(value, float) and np.isnan(value))
            if column in self.words:
                made += [float(not missing and str(value) == w) for w in self.words[column]]
            else:
                made.append(-1.0 if missing else float(value))  # type: ignore[arg-type]
        return made


def networks(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per network, with the mean top-1 of its completed trainings."""
    done = table[table["ending"] == "completed"]
    first = done.drop_duplicates("network").set_index("network")
    return first.assign(top1=done.groupby("network")["top1"].mean())


def cross_validated(table: pd.DataFrame) -> Quality:
    """Predict every network from the others, in folds."""
    known = networks(table)
    guess = np.zeros(len(known))
    for train, test in KFold(FOLDS, shuffle=True, random_state=0).split(known):
        chosen = table[table["network"].isin(known.index[train])]
        predictor = Predictor(chosen)
        for position in test:
            row = known.iloc[position]
            decisions = {c.removeprefix(PREFIX): row[c] for c in predictor.columns}
            guess[position] = predictor.predict(decisions, row)
    truth = known["top1"].to_numpy(dtype=float64)
    error = float(np.sqrt(np.mean((guess - truth) ** 2)))
    _, spreads = _pairs(table)
    return Quality(
        float(spearmanr(guess, truth).statistic), error, float(np.sqrt(np.mean(spreads**2)))
    )


def _pairs(table: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return the mean and estimated standard deviation of networks that were trained twice."""
    done = table[table["ending"] == "completed"]
    pairs = done.pivot(index="network", columns="replica", values="top1").dropna()
    first, second = (pairs[k].to_numpy(dtype=float64) for k in (0, 1))
    return (first + second) / 2, np.abs(first - second) / np.sqrt(2)


def _noise_line(table: pd.DataFrame) -> tuple[float, float]:
    """Fit the logarithm of the deviation as a line over the logarithm of the error rate."""
    means, spreads = _pairs(table)
    if len(means) < 8:
        return 0.0, log(0.5)
    # |difference| of two normal draws: its logarithm lies 0.635 below the deviation's.
    known = np.log(np.maximum(spreads, 0.02)) + 0.635
    slope, offset = np.polyfit(np.log(100 - means), known, 1)
    return float(slope), float(offset)


def _logit(percent: Floats) -> Floats:
    share = np.clip(percent, 0.5, 99.5) / 100
    return np.asarray(np.log(share / (1 - share)))


def _percent(logit: Floats) -> Floats:
    return np.asarray(100 / (1 + np.exp(-logit)))


if __name__ == "__main__":
    main()
