"""GenerativeSynthesisSampler against Optuna's samplers, on small functions with known minima.

Every sampler runs every function from the same seeds; the table shows the median, over seeds, of
the distance from the best value to the minimum. Example:

    python experiments/benchmarks/sampler.py --samplers gensynth,tpe,gp,random --runs 5 --trials 60
"""

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import optuna
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import Trial
from rich.console import Console
from rich.table import Table

from experiments.benchmarks.command_line import parser_for
from gensynth import GenerativeSynthesisSampler

SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "gensynth": lambda seed: GenerativeSynthesisSampler(seed=seed),
    "tpe": lambda seed: TPESampler(seed=seed),
    "gp": lambda seed: GPSampler(seed=seed),
    "random": lambda seed: RandomSampler(seed=seed),
}
ALPHA = (1.0, 1.2, 3.0, 3.2)
A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def branin(trial: Trial) -> float:
    """Branin's function of two numbers; the minimum is 0.397887, in three places."""
    x, y = trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15)
    bowl = (y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6) ** 2
    return bowl + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10 - 0.397887


def hartmann(trial: Trial) -> float:
    """Hartmann's function of six numbers; the minimum is -3.32237."""
    x = np.array([trial.suggest_float(f"x{k}", 0, 1) for k in range(6)])
    return 3.32237 - float(ALPHA @ np.exp(-(A * (x - P) ** 2).sum(axis=1)))


def mixed(trial: Trial) -> float:
    """Three categories that matter together, a logarithmic rate, a width; the minimum is 0."""
    kinds = [trial.suggest_categorical(f"kind{k}", ["a", "b", "c", "d"]) for k in range(3)]
    rate = trial.suggest_float("rate", 1e-5, 1e-1, log=True)
    width = trial.suggest_int("width", 8, 128, step=8)
    alike = sum(kind != wanted for kind, wanted in zip(kinds, "bdb", strict=True))
    best_rate = -3 + 0.5 * (kinds[0] == "b")
    return alike + (math.log10(rate) - best_rate) ** 2 + (math.log2(width / 64)) ** 2


FUNCTIONS: dict[str, Callable[[Trial], float]] = {
    "branin": branin,
    "hartmann": hartmann,
    "mixed": mixed,
}


@dataclass(frozen=True)
class Run:
    """One sampler on one function from one seed."""

    best: tuple[float, ...]
    """Best value after each trial."""
    seconds: float
    """Processor time of a trial."""


def main() -> None:
    """Read the command line, run everything, print the table."""
    parser = parser_for(__doc__)
    parser.add_argument("--functions", default=",".join(FUNCTIONS))
    parser.add_argument("--samplers", default=",".join(SAMPLERS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--trials", type=int, default=60)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    marks = [mark for mark in (20, 40, 60, 100) if mark <= arguments.trials]
    heads = [f"after {mark}" for mark in marks]
    table = Table(
        "function", "sampler", *heads, "s/trial", title="median distance from the minimum"
    )
    for function in arguments.functions.split(","):
        for sampler in arguments.samplers.split(","):
            runs = [
                run(function, sampler, seed, arguments.trials) for seed in range(arguments.runs)
            ]
            medians = np.median([[one.best[mark - 1] for mark in marks] for one in runs], axis=0)
            seconds = float(np.median([one.seconds for one in runs]))
            cells = [f"{median:.2g}" for median in medians]
            table.add_row(function, sampler, *cells, f"{seconds:.3f}")
    Console(width=100).print(table)


def run(function: str, sampler: str, seed: int, trials: int) -> Run:
    """Minimise a function."""
    study = optuna.create_study(sampler=SAMPLERS[sampler](seed))
    start = time.process_time()
    study.optimize(FUNCTIONS[function], n_trials=trials)
    seconds = (time.process_time() - start) / trials
    best = np.minimum.accumulate([trial.values[0] for trial in study.trials])
    return Run(tuple(map(float, best)), seconds)


if __name__ == "__main__":
    main()
