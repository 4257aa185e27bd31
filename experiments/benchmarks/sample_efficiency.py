r"""Number of trainings that a generator needs, on a complete table of trained networks.

Every run permutes the words of the options (consistently over all decisions, or separately for each
with `--permute each`) and the names of the decisions; numbers and truth values stay. There is no
prototype. An evaluation counts once, however often it is proposed again. Example:

    python experiments/benchmarks/sample_efficiency.py nasbench201_cifar10.parquet \
        --decisions 'edge*' --maximize top1 --generators gensynth,gp,tpe --runs 20 --budget 120
"""

import argparse
import json
import math
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from experiments.benchmarks.command_line import parser_for
from experiments.benchmarks.efficiency_report import Run, Task, band, show
from experiments.benchmarks.permuted_table import (
    check_apart,
    decision_columns,
    kept,
    permuted,
    read,
)
from experiments.benchmarks.plot import write_svg
from experiments.benchmarks.table_problem import Limit, TableProblem
from gensynth.errors import InputError
from gensynth.evaluation.score import NetScore
from gensynth.generators.by_name import make_generator
from gensynth.generators.protocol import Generator


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
    names = [name.strip() for name in arguments.generators.split(",")]
    _check(arguments, names)
    jobs = [(task, name, number) for number in range(arguments.runs) for name in names]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        pool.submit(_try, task, names).result()
        runs = list(pool.map(_run, *zip(*jobs, strict=True)))
    show(task, names, runs)
    if arguments.json:
        content = {"task": asdict(task), "runs": [asdict(run) for run in runs]}
        Path(arguments.json).write_text(json.dumps(content), encoding="utf-8")
    if arguments.plot:
        bands = [found for name in names if len((found := band(name, runs)).steps)]
        if not bands:
            raise InputError("--plot", "nothing to draw: half of the runs found no feasible row")
        write_svg(Path(arguments.plot), bands, "evaluations", "best")


def _check(arguments: argparse.Namespace, names: list[str]) -> None:
    """Refuse options before the first run that would fail after the last."""
    for option in ("runs", "budget", "jobs"):
        number = getattr(arguments, option)
        if number is not None and number < 1:
            raise InputError(f"--{option}", f"{number} is less than 1")
    if len(set(names)) < len(names) or not all(names):
        raise InputError("--generators", f"{arguments.generators!r} has a name twice or none")
    for option in ("json", "plot"):
        folder = Path(getattr(arguments, option) or ".").parent
        if not folder.is_dir():
            raise InputError(f"--{option}", f"there is no folder {folder}; make it first")


def _try(task: Task, names: list[str]) -> None:
    """Create every generator once, so that mistakes show before the first run."""
    problem = problem_of(replace(task, permute="none"), 0)  # Errors name the table's own columns.
    goal(problem.values(), task.target)
    for name in names:
        _generator(task, name, problem, 0)


def _generator(task: Task, name: str, problem: TableProblem, seed: int) -> Generator:
    try:
        options = json.loads(task.options)
    except ValueError as error:
        raise InputError("--options", f"not JSON: {error}") from None
    if not isinstance(options, dict):
        raise InputError("--options", "not a JSON object such as '{}'")
    given = options if name == "gensynth" else {}
    return make_generator(name, given, problem, seed, "--generators")


def _arguments() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("table", help="a parquet or CSV file")
    parser.add_argument("--decisions", required=True, help="pattern of the decision columns")
    parser.add_argument("--maximize", required=True, help="column that a training measures")
    parser.add_argument("--score", choices=["netscore"], help="pursued value, if not that column")
    parser.add_argument(
        "--enforce", action="append", default=[], help="COLUMN>=NUMBER or COLUMN<=NUMBER"
    )
    parser.add_argument("--where", help="keep only rows in which this column is true")
    parser.add_argument("--target", default="optimum", help="optimum, topN or within:DISTANCE")
    parser.add_argument("--generators", default="gensynth,tpe,gp,nsgaii,evolution,random")
    parser.add_argument("--options", default="{}", help="options of gensynth as JSON")
    parser.add_argument("--permute", choices=["words", "each", "none"], default="words")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--budget", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=None, help="number of processes")
    parser.add_argument("--json", help="write all runs to this JSON file")
    parser.add_argument("--plot", help="write an SVG chart of the best values")
    return parser.parse_args()


def problem_of(task: Task, number: int) -> TableProblem:
    """Return the problem of a run: the table with words and names permuted."""
    table = read(task.table, task.decisions)
    if task.where:
        table = kept(table, task.where)
    columns = decision_columns(table, task.decisions)
    limits = [Limit.parse(text) for text in task.enforce]
    others = [task.maximize, f"test_{task.maximize}", *(limit.column for limit in limits)]
    check_apart(columns, task.decisions, others)
    if task.permute != "none":
        table, columns = permuted(table, columns, number, task.permute == "each")
    score = NetScore() if task.score else None
    return TableProblem(table, columns, task.maximize, score, limits)


def goal(values: NDArray[float64], target: str) -> float:
    """Return the value from which the target counts as reached."""
    ranked = np.sort(values[np.isfinite(values)])[::-1]
    if not len(ranked):
        needs = "a number, under NetScore top-1 in 0 to 100 and params and macs above 0"
        raise InputError("table", f"no row keeps every limit and has a value ({needs})")
    if target == "optimum":
        return float(ranked[0])
    try:
        if target.startswith("within:") and 0 <= float(target[7:]) < math.inf:
            return float(ranked[0]) - float(target[7:])
        if target.startswith("top") and 1 <= int(target[3:]) <= len(ranked):
            return float(ranked[int(target[3:]) - 1])
    except ValueError:
        pass
    valid = f"optimum, topN with N in 1 to {len(ranked)}, or within:DISTANCE"
    raise InputError("--target", f"{target!r} is not {valid}")


def _run(task: Task, name: str, number: int) -> Run:
    problem = problem_of(task, number)
    values = problem.values()
    generator = _generator(task, name, problem, number)
    rows: list[int] = []
    seconds: list[float] = []
    optimum, done = goal(values, "optimum"), False
    for asked in range(20 * task.budget):
        start = time.process_time()
        outcome = problem.train(generator.ask(), asked, asked)
        generator.tell(outcome)
        seconds.append(time.process_time() - start)
        if int(outcome.genome_id) not in rows:
            rows.append(int(outcome.genome_id))
            done = done or values[rows[-1]] == optimum
        # After the optimum nothing changes, so a generator that repeats it is not asked forever.
        if len(rows) >= min(task.budget, len(values)) or (done and asked + 1 >= task.budget):
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
    optimum = goal(values, "optimum")
    found = np.where(np.isfinite(values[rows]), values[rows], -np.inf)
    if found.max() == optimum:  # The run has ended, but its curves continue.
        found = np.append(found, np.full(task.budget - len(rows), -np.inf))
    best = np.maximum.accumulate(found)
    leader = [int(np.argmax(found[: k + 1])) for k in range(len(found))]
    met = np.flatnonzero(found >= goal(values, task.target))
    test = f"test_{task.maximize}"
    tested: list[float | None] = []
    if test in problem.table.columns:
        column = problem.table[test].to_numpy(dtype=float64)
        top = float(np.nanmax(column[np.isfinite(values)], initial=-np.inf))
        tested = [
            _finite(top - column[rows[at]]) if best[k] > -np.inf else None
            for k, at in enumerate(leader)
        ]
    return Run(
        generator=name,
        number=number,
        reached=int(met[0]) + 1 if len(met) else None,
        best=tuple(_finite(value) for value in best),
        regret=tuple(_finite(optimum - value) for value in best),
        test_regret=tuple(tested),
        seconds=statistics.median(seconds),
        proposals=len(seconds),
    )


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
