r"""How many trainings a generator needs, measured on a complete table of trained networks.

Every run permutes the words that stand for options (one word stays one word, wherever it is an
option; with `--permute each`, for every decision on its own) and the names of the decisions;
numbers keep their values. There is no prototype. An evaluation counts once, however often it is
proposed again. Example:

    python experiments/benchmarks/sample_efficiency.py nasbench201_cifar10.parquet \
        --decisions 'edge*' --maximize top1 --generators gensynth,gp,tpe --runs 20 --budget 120
"""

import argparse
import json
import math
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy import float64
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.stats import wilcoxon

from experiments.benchmarks.plot import Band, write_svg
from gensynth.errors import InputError, unknown
from gensynth.generators.by_name import make_generator
from gensynth.score import NetScore
from gensynth.table_problem import Limit, TableProblem

MARKS = (25, 50, 100, 200)


@dataclass(frozen=True)
class Task:
    """One question put to one generator: which table, what is sought, and for how long."""

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
    """What one generator did in one run; both runs of a number see the same permuted table."""

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


def main() -> None:
    """Read the command line, run everything, print the tables."""
    arguments = _arguments()
    task = Task(
        table=arguments.table,
        decisions=arguments.decisions,
        maximize=arguments.maximize,
        score=arguments.score,
        enforce=tuple(arguments.enforce),
        where=arguments.where,
        target=arguments.target,
        permute=arguments.permute,
        options=arguments.options,
        budget=arguments.budget,
    )
    names = arguments.generators.split(",")
    jobs = [(task, name, number) for number in range(arguments.runs) for name in names]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        runs = list(pool.map(_run, *zip(*jobs, strict=True)))
    _show(task, names, runs)
    if arguments.json:
        content = {"task": asdict(task), "runs": [asdict(run) for run in runs]}
        Path(arguments.json).write_text(json.dumps(content))
    if arguments.plot:
        write_svg(
            Path(arguments.plot), [_band(name, runs) for name in names], "evaluations", "best"
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("table", help="a parquet or CSV file")
    parser.add_argument("--decisions", required=True, help="pattern of the columns that are chosen")
    parser.add_argument("--maximize", required=True, help="the column that a training measures")
    parser.add_argument(
        "--score", choices=["netscore"], help="the pursued value, if not that column"
    )
    parser.add_argument("--enforce", action="append", default=[], help="COLUMN>=NUMBER or <=")
    parser.add_argument("--where", help="keep only the rows where this column is true")
    parser.add_argument("--target", default="optimum", help="optimum, topN or within:DISTANCE")
    parser.add_argument("--generators", default="gensynth,tpe,gp,nsgaii,evolution,random")
    parser.add_argument("--options", default="{}", help="JSON: options of gensynth")
    parser.add_argument("--permute", choices=["words", "each", "none"], default="words")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--budget", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=None, help="processes")
    parser.add_argument("--json", help="write every run to this file")
    parser.add_argument("--plot", help="write best-so-far with bands to this SVG file")
    return parser.parse_args()


def read(path: str) -> pd.DataFrame:
    """Read a parquet or CSV file."""
    return pd.read_csv(path) if path.endswith(".csv") else pd.read_parquet(path)


def problem_of(task: Task, number: int) -> TableProblem:
    """Make the problem of a run: its rows, with words and names permuted."""
    table = read(task.table)
    if task.where:
        if task.where not in table.columns:
            raise unknown("--where", "column", task.where, map(str, table.columns))
        table = table[table[task.where].astype(bool)]
    columns = [str(name) for name in table.columns if fnmatch(str(name), task.decisions)]
    if task.permute != "none":
        table, columns = permuted(table, columns, number, task.permute == "each")
    limits = [Limit.parse(text) for text in task.enforce]
    score = NetScore() if task.score else None
    return TableProblem(table, columns, task.maximize, score, limits)


def permuted(
    table: pd.DataFrame, columns: list[str], number: int, each: bool
) -> tuple[pd.DataFrame, list[str]]:
    """Give words other words' places, and decisions other names, by the number of the run."""
    rng = np.random.default_rng((number, 1))
    table = table.copy()
    words = [name for name in columns if not pd.api.types.is_numeric_dtype(table[name])]
    groups = [[name] for name in words] if each else [words]
    for group in groups:
        found = sorted({str(cell) for name in group for cell in table[name].dropna()})
        other = dict(zip(found, rng.permutation(found).tolist(), strict=True))
        for name in group:
            table[name] = table[name].map(other)
    renamed = dict(zip(columns, rng.permutation(columns).tolist(), strict=True))
    return table.rename(columns=renamed), [renamed[name] for name in columns]


def goal(values: NDArray[float64], target: str) -> float:
    """Give the value from which the target counts as met."""
    ranked = np.sort(values[np.isfinite(values)])[::-1]
    if not len(ranked):
        raise InputError("--enforce", "no row keeps every limit")
    if target == "optimum":
        return float(ranked[0])
    kind, _, number = target.partition(":")
    try:
        if kind == "within":
            return float(ranked[0]) - float(number)
        return float(ranked[int(target.removeprefix("top")) - 1])
    except (ValueError, IndexError):
        raise InputError("--target", f"{target!r} is not optimum, topN or within:X") from None


def _run(task: Task, name: str, number: int) -> Run:
    problem = problem_of(task, number)
    values = problem.values()
    options = json.loads(task.options) if name == "gensynth" else {}
    generator = make_generator(name, options, problem, number, "--generators")
    rows: list[int] = []
    seconds: list[float] = []
    for asked in range(20 * task.budget):
        start = time.process_time()
        outcome = problem.train(generator.ask(), asked, asked)
        generator.tell(outcome)
        seconds.append(time.process_time() - start)
        if int(outcome.genome_id) not in rows:
            rows.append(int(outcome.genome_id))
        if len(rows) >= min(task.budget, len(values)):
            break
    return _summary(task, name, number, problem, values, rows, seconds)


def _summary(
    task: Task,
    name: str,
    number: int,
    problem: TableProblem,
    values: NDArray[float64],
    rows: list[int],
    seconds: list[float],
) -> Run:
    found = np.where(np.isfinite(values[rows]), values[rows], -np.inf)
    best = np.maximum.accumulate(found)
    leader = [rows[int(np.argmax(found[: k + 1]))] for k in range(len(rows))]
    met = np.flatnonzero(found >= goal(values, task.target))
    test = f"test_{task.maximize}"
    tested: list[float | None] = []
    if test in problem.table.columns:
        column = problem.table[test].to_numpy(dtype=float64)
        top = float(column[np.isfinite(values)].max())
        tested = [_finite(top - column[row]) for row in leader]
    return Run(
        generator=name,
        number=number,
        reached=int(met[0]) + 1 if len(met) else None,
        best=tuple(_finite(value) for value in best),
        regret=tuple(_finite(np.nanmax(values) - value) for value in best),
        test_regret=tuple(tested),
        seconds=statistics.median(seconds),
    )


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _show(task: Task, names: list[str], runs: list[Run]) -> None:
    console = Console(width=140)
    title = f"{Path(task.table).name}: {task.target} of {task.score or task.maximize}"
    table = Table(title=f"{title} {' '.join(task.enforce)}")
    heads = ["generator", "evaluations", "quartiles", "most", "reached", "s/proposal", "p"]
    for head in [*heads, *(f"regret@{mark}" for mark in MARKS)]:
        table.add_column(head, justify="right")
    for name in names:
        table.add_row(*_row(task, name, names[0], runs))
    console.print(table)
    ours, *others = [_median(task, name, runs) for name in names]
    if others:
        console.print(f"{names[0]}: {ours / min(others):.2f} of the best other's evaluations")


def _row(task: Task, name: str, first: str, runs: list[Run]) -> list[str]:
    mine = [run for run in runs if run.generator == name]
    needed = _needed(task, name, runs)
    low, high = np.quantile(needed, [0.25, 0.75])
    reached = sum(run.reached is not None for run in mine) / len(mine)
    cells = [name, f"{np.median(needed):.1f}", f"{low:.0f}-{high:.0f}", f"{needed.max():.0f}"]
    cells += [f"{reached:.0%}", f"{np.median([run.seconds for run in mine]):.3f}"]
    cells.append("" if name == first else _paired(_needed(task, first, runs), needed))
    return [*cells, *(_regret_at(mine, mark) for mark in MARKS)]


def _regret_at(runs: list[Run], mark: int) -> str:
    if any(len(run.regret) < mark for run in runs):
        return ""
    values = [run.regret[mark - 1] for run in runs]
    text = f"{np.median([math.inf if v is None else v for v in values]):.3f}"
    tested = [run.test_regret[mark - 1] for run in runs if run.test_regret]
    known = [value for value in tested if value is not None]
    return f"{text} ({np.median(known):.2f})" if known else text


def _needed(task: Task, name: str, runs: list[Run]) -> NDArray[float64]:
    """Evaluations of each run in the order of the runs; more than the budget where not reached."""
    mine = sorted((run for run in runs if run.generator == name), key=lambda run: run.number)
    return np.array([float(run.reached or task.budget + 1) for run in mine])


def _median(task: Task, name: str, runs: list[Run]) -> float:
    return float(np.median(_needed(task, name, runs)))


def _paired(ours: NDArray[float64], theirs: NDArray[float64]) -> str:
    """Test, two-sided and paired by run, whether two generators need equally many."""
    if np.all(ours == theirs):
        return "1"
    return f"{wilcoxon(ours, theirs, zero_method='zsplit').pvalue:.2g}"


def _band(name: str, runs: list[Run]) -> Band:
    mine = [run for run in runs if run.generator == name]
    length = min(len(run.best) for run in mine)
    table: Any = [[math.nan if v is None else v for v in run.best[:length]] for run in mine]
    curves = np.array(table, dtype=float64)
    some = np.isfinite(curves).mean(axis=0) >= 0.5
    filled = np.where(np.isfinite(curves), curves, np.nanmin(curves))
    low, middle, high = np.quantile(filled, [0.25, 0.5, 0.75], axis=0)
    steps = np.arange(1, length + 1)[some]
    return Band(name, steps, low[some], middle[some], high[some])


if __name__ == "__main__":
    main()
