"""Estimates of a network's accuracy from half a training or none."""

import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy import float64
from numpy.typing import NDArray
from scipy.optimize import OptimizeWarning, curve_fit
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from experiments.benchmarks.command_line import experiment_on
from experiments.benchmarks.record_space import networks
from experiments.benchmarks.recorded_predictor import COSTS, PREFIX, Predictor
from gensynth.campaign.context import make_context

Floats = NDArray[float64]


@dataclass(frozen=True)
class Proxy:
    """A cheap measure of the networks that were trained long."""

    name: str
    guess: pd.Series
    """By genome."""
    cost: float
    """Share of the long training's processor time."""


def costs_and_neighbours(long: pd.DataFrame, recorded: pd.DataFrame) -> Iterator[Proxy]:
    """Rank by costs, and by a predictor fitted on short trainings of other networks."""
    rows = long.drop_duplicates("genome_id").set_index("genome_id")
    for cost in ("macs", "params"):
        yield Proxy(cost, rows[cost], 0.0)
    others = recorded[~recorded["genome_id"].isin(rows.index)]
    predictor = Predictor(others)
    guesses = [
        predictor.predict(_decisions(row), {name: float(row[name]) for name in COSTS})
        for _, row in rows.iterrows()
    ]
    name = f"predicted from short trainings of {others['genome_id'].nunique()} other networks"
    yield Proxy(name, pd.Series(guesses, rows.index), 0.0)


def extrapolated(table: pd.DataFrame, share: float) -> Iterator[Proxy]:
    """Rank by the first half of a short training: its last epoch, and its extrapolated curve.

    `share` is the cost of the whole short training as a share of the long one.
    """
    first = table[table["replica"] == 0].set_index("genome_id")["curve"]
    length = len(first.iloc[0])
    seen = length // 2
    halves = first.map(lambda curve: np.asarray(curve[:seen], dtype=float64))
    name = f"its first {seen} of {length} epochs"
    yield Proxy(f"{name}: the last of them", halves.map(lambda half: half[-1]), share / 2)
    ends = halves.map(lambda half: power_law(half, length))
    yield Proxy(f"{name}: a power law through them", ends, share / 2)


def _decisions(row: "pd.Series[Any]") -> dict[str, Any]:
    named = row[[name for name in row.index if str(name).startswith(PREFIX)]]
    return {str(name).removeprefix(PREFIX): value for name, value in named.items()}


def power_law(curve: Floats, epoch: float) -> float:
    """Fit `a - b * epoch ** -c` to a curve and read it at `epoch`; its last value if none fits."""
    epochs = np.arange(1, len(curve) + 1, dtype=float64)
    bounds = ([0.0, 0.0, 0.01], [100.0, 100.0, 5.0])
    start = (min(float(curve.max()), 99.0), float(np.ptp(curve)), 1.0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)
            (a, b, c), _ = curve_fit(_law, epochs, curve, p0=start, bounds=bounds)
    except RuntimeError:
        return float(curve[-1])
    return float(_law(epoch, a, b, c))


def _law(epoch: Any, a: float, b: float, c: float) -> Any:
    return a - b * epoch**-c


def reactions(long: pd.DataFrame, file: Path, images: Path) -> Iterator[Proxy]:
    """Rank by single reactions of the untrained networks, and by all of them combined.

    Combined means ridge regression, with each network predicted from the others' long trainings.
    """
    rows = long[long["replica"] == 0].set_index("genome_id")
    context = make_context(experiment_on(file, images))
    drawn = list(islice(networks(context), int(rows["network"].max()) + 1))
    problem = context.problem()
    start = time.process_time()
    table = pd.DataFrame([problem.probe(drawn[number]) for number in rows["network"]])
    table.index = rows.index
    cost = (time.process_time() - start) / len(rows) / float(long["cpu_seconds"].median())
    for name in table:
        yield Proxy(f"untrained reaction: {name}", table[name], cost)
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 3, 9)))
    truth = rows["top1"].astype(float).fillna(0.0)
    guess = cross_val_predict(model, table.to_numpy(), truth.to_numpy(), cv=LeaveOneOut())
    yield Proxy("all reactions, from the other networks", pd.Series(guess, rows.index), cost)
