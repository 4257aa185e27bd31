"""Fitting the fast model of a device (`devices/sum_of_parts.py`) to parts that were counted."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.stats import spearmanr

from devices.sum_of_parts import SumOfParts
from experiments.cortex_a72.layers import graph_from

PULL = 0.03
"""How strongly the coefficients of a class are pulled towards those of the class above it."""
ROUNDS = 3
"""Iterations of the reweighted fit."""

Samples = list[tuple[tuple[str, ...], tuple[float, ...], float]]
"""The classes, the features and the counted figure of each part."""
Numbers = NDArray[np.float64]
Model = TypeVar("Model", bound=SumOfParts)


def fit(parts: Samples, floor: float, enough: int) -> dict[str, list[float]]:
    """Fit the coefficients of each class; narrow classes are pulled towards broad ones.

    Errors are relative to a part's figure plus `floor`, so tiny parts matter less. A class needs
    `enough` parts to get coefficients of its own.
    """
    by_class: dict[str, list[int]] = defaultdict(list)
    above: dict[str, str] = {}
    for i, (names, _, _) in enumerate(parts):
        for narrow, broad in zip(names, (*names[1:], ""), strict=True):
            by_class[narrow].append(i)
            above[narrow] = broad
    numbers = np.array([given for _, given, _ in parts])
    times = np.array([time for _, _, time in parts])
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


def print_accuracy(title: str, predicted: Numbers, truth: Numbers) -> str:
    """Print the accuracy of the predictions, and return it in words."""
    errors = np.abs(predicted / truth - 1)
    text = (
        f"{len(truth)} networks, rank correlation {spearmanr(predicted, truth)[0]:.4f}, median "
        f"error {np.median(errors):.2%}, nine of ten within {np.quantile(errors, 0.9):.2%}"
    )
    print(f"{title}: {text}", flush=True)
    return text


def predicted(model: SumOfParts, rows: Sequence[dict[str, Any]]) -> Numbers:
    """Return the figures of whole networks by the model."""
    return np.array([model.foresee(graph_from(row["graph"])).figure for row in rows])


def with_errors(model: Model, fitted: str, guessed: Numbers, truth: Numbers) -> Model:
    """Return the model with its errors on unseen networks; `fitted` says what it was fitted on."""
    figures = print_accuracy("unseen", guessed, truth)
    ratios = guessed / truth
    pairs = np.abs(ratios[:, None] / ratios[None] - 1)[~np.eye(len(ratios), dtype=bool)]
    errors = [float(f"{np.quantile(np.abs(x), 0.9):.4g}") for x in (ratios - 1, pairs)]
    words = f"{fitted}; unseen: {figures}"
    return replace(model, fitted=words, error_90=errors[0], ratio_error_90=errors[1])
