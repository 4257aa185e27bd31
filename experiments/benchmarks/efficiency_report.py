"""Tables and curves of the runs of a generator benchmark."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy import float64
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.benchmarks.plot import Band
from experiments.benchmarks.tables import paired_p

MARKS = (25, 50, 100, 200)


@dataclass(frozen=True)
class Task:
    """One task for a generator: the table, the target and the budget."""

    table: str
    decisions: str
    maximize: str
    score: str | None
    enforce: tuple[str, ...]
    where: str | None
    target: str
    permute: str
    options: str
    budget: int


@dataclass(frozen=True)
class Run:
    """One run of one generator; all runs with the same number see the same permuted table."""

    generator: str
    number: int
    reached: int | None
    """Evaluations until the target was met, or None."""
    best: tuple[float | None, ...]
    """Best feasible value after each evaluation."""
    regret: tuple[float | None, ...]
    """The optimum less that."""
    test_regret: tuple[float | None, ...]
    """The same of the test column, for the network with that best value."""
    seconds: float
    """Median processor time of one proposal, learning included."""
    proposals: int
    """Number of proposals, including networks that were proposed again."""


def show(task: Task, names: list[str], runs: list[Run]) -> None:
    """Print a row for each generator; the first is compared with the others."""
    console = Console(width=140)
    title = f"{Path(task.table).name}: {task.target} of {task.score or task.maximize}"
    table = Table(title=escape(f"{title} {' '.join(task.enforce)}"))
    heads = ["generator", "evaluations", "quartiles", "most", "reached", "s/proposal", "p"]
    for head in [*heads, *(f"regret@{mark}" for mark in MARKS)]:
        table.add_column(head, justify="right")
    for name in names:
        table.add_row(*_row(task, name, names[0], runs))
    console.print(table)
    ours, *others = [_median(task, name, runs) for name in names]
    if others and max(ours, min(others)) <= task.budget:
        console.print(f"{names[0]}: {ours / min(others):.2f} of the best other's evaluations")
    elif others:
        console.print("no ratio: a median run did not reach the target within the budget")
    for name in names:
        short = sum(run.generator == name and len(run.best) < task.budget for run in runs)
        if short:
            console.print(f"{name}: {short} runs ended before the budget, out of new networks")


def _row(task: Task, name: str, first: str, runs: list[Run]) -> list[str]:
    mine = [run for run in runs if run.generator == name]
    needed = _needed(task, name, runs)
    reached = sum(run.reached is not None for run in mine) / len(mine)
    middle, most = (_count(needed, at, task.budget) for at in (0.5, 1.0))
    ends = dict.fromkeys(_count(needed, at, task.budget) for at in (0.25, 0.75))
    cells = [escape(name), middle, "-".join(ends), most]
    cells += [f"{reached:.0%}", f"{np.median([run.seconds for run in mine]):.3f}"]
    cells.append("" if name == first else paired_p(_needed(task, first, runs), needed))
    return [*cells, *(_regret_at(mine, mark) for mark in MARKS)]


def _count(needed: NDArray[float64], at: float, budget: int) -> str:
    """Format a quantile of evaluations; beyond the budget only a lower bound is known."""
    found = _quantile(needed, at, budget)
    return f"{found:.6g}" if found <= budget else f">{budget}"


def _quantile(needed: NDArray[float64], at: float, budget: int) -> float:
    """Interpolate a quantile, infinite if a run beyond the budget would have a part in it."""
    if np.quantile(needed, at, method="higher") > budget:
        return math.inf
    return float(np.quantile(needed, at))


def _regret_at(runs: list[Run], mark: int) -> str:
    if any(len(run.regret) < mark for run in runs):
        return ""
    values = [run.regret[mark - 1] for run in runs]
    text = f"{np.median([math.inf if v is None else v for v in values]):.3f}"
    tested = [run.test_regret[mark - 1] for run in runs if run.test_regret]
    known = [value for value in tested if value is not None]
    return f"{text} ({np.median(known):.2f})" if known else text


def _needed(task: Task, name: str, runs: list[Run]) -> NDArray[float64]:
    """Return the evaluations of each run in order; budget + 1 if it missed the target."""
    mine = sorted((run for run in runs if run.generator == name), key=lambda run: run.number)
    return np.array([float(run.reached or task.budget + 1) for run in mine])


def _median(task: Task, name: str, runs: list[Run]) -> float:
    return _quantile(_needed(task, name, runs), 0.5, task.budget)


def band(name: str, runs: list[Run]) -> Band:
    """Summarise a generator's best values, from the step at which half of its runs have one."""
    mine = [run for run in runs if run.generator == name]
    length = min(len(run.best) for run in mine)
    table: Any = [[math.nan if v is None else v for v in run.best[:length]] for run in mine]
    curves = np.array(table, dtype=float64)
    some = np.isfinite(curves).mean(axis=0) >= 0.5
    if not some.any():
        return Band(name, *[np.array([])] * 4)
    filled = np.where(np.isfinite(curves), curves, np.nanmin(curves))
    low, middle, high = np.quantile(filled, [0.25, 0.5, 0.75], axis=0)
    steps = np.arange(1, length + 1)[some]
    return Band(name, steps, low[some], middle[some], high[some])
